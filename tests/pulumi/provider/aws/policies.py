"""Policies, and the four things in them that an AWS on this machine does not do as AWS does."""

import json
from typing import Any, Final

_WITHOUT_TLS: Final = {"Bool": {"aws:SecureTransport": "false"}}
_NOBODY: Final = {"StringEquals": {"aws:PrincipalTag/nobody": "refused-without-tls"}}
_ON_ANYTHING: Final = frozenset({"codebuild:BatchGetBuilds"})
"""Actions for which ministack does not find out what they are about: it asks whether they are allowed on `*`."""

_OF_STREAMS: Final = frozenset({"logs:CreateLogStream", "logs:PutLogEvents"})
_STREAMS: Final = ":*"
"""How on AWS the streams of a log group are meant; ministack means the group itself by what is done to them."""

_BATCHED: Final = ("sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility")
"""Actions that on AWS allow their batches too; ministack has an action of its own for these."""


def put_here(policy: str) -> str:
    """Return a policy as ministack has to have it for what AWS would do.

    It demands TLS of nobody, for here nobody has it.
    """
    document: dict[str, Any] = json.loads(policy)
    statements = [_here(one) for one in document["Statement"]]
    wider = [
        {"Effect": "Allow", "Action": sorted(unscoped), "Resource": ["*"]}
        for one in document["Statement"]
        if one["Effect"] == "Allow" and (unscoped := _ON_ANYTHING.intersection(one["Action"]))
    ]
    return json.dumps({**document, "Statement": statements + wider})


def as_known(found: str | dict[str, Any], known: str) -> str:
    """Return a policy as it was asked for, if what is found is what was made of it; else what is found."""
    document = json.loads(found) if isinstance(found, str) else found
    return known if json.loads(put_here(known)) == document else json.dumps(document)


def _here(statement: dict[str, Any]) -> dict[str, Any]:
    if statement.get("Condition") == _WITHOUT_TLS:
        return {**statement, "Condition": _NOBODY}
    if set(statement["Action"]) & _OF_STREAMS:
        return {**statement, "Resource": [one.removesuffix(_STREAMS) + "*" for one in statement["Resource"]]}
    batches = [f"{action}Batch" for action in statement["Action"] if action in _BATCHED]
    return {**statement, "Action": [*statement["Action"], *batches]} if batches else statement
