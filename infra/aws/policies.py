"""Policy documents: what is allowed to whom, in AWS's JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pulumi import Input, Output

Conditions = Mapping[str, Mapping[str, Input[str] | Sequence[Input[str]]]]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    In a policy of a resource somebody is meant: `principal`, a service, or everybody for a denial; or `account`, by its
    ARN.
    """

    actions: Sequence[str]
    resources: Sequence[Input[str]] = ()
    principal: str = ""
    account: Input[str] = ""
    effect: Literal["Allow", "Deny"] = "Allow"
    conditions: Conditions = field(default_factory=dict)


def document(statements: Sequence[Statement]) -> Output[str]:
    """Return the policy of these statements."""
    return Output.json_dumps({"Version": "2012-10-17", "Statement": [_written(one) for one in statements]})


def assumed_by(service: str, conditions: Conditions | None = None) -> Output[str]:
    """Return the trust policy of a role that an AWS service takes on."""
    return document([Statement(["sts:AssumeRole"], principal=service, conditions=conditions or {})])


def tls_only(
    service: Literal["s3", "sqs", "sns"], *resources: Input[str], actions: Sequence[str] | None = None
) -> Statement:
    """Refuse everybody who does not come over TLS.

    A denial may name all actions: whatever is added to a service later is refused too. SNS wants them named.
    """
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    return Statement(actions or [f"{service}:*"], resources, principal="*", effect="Deny", conditions=insecure)


def _written(statement: Statement) -> dict[str, object]:
    written: dict[str, object] = {"Effect": statement.effect, "Action": list(statement.actions)}
    if statement.principal:
        written["Principal"] = "*" if statement.principal == "*" else {"Service": statement.principal}
    if statement.account:
        written["Principal"] = {"AWS": statement.account}
    if statement.resources:
        written["Resource"] = list(statement.resources)
    if statement.conditions:
        written["Condition"] = statement.conditions
    return written
