"""Policies of resources on an AWS that is reached without TLS."""

import json
from typing import Any, Final

_WITHOUT_TLS: Final = {"Bool": {"aws:SecureTransport": "false"}}
_NOBODY: Final = {"StringEquals": {"aws:PrincipalTag/nobody": "refused-without-tls"}}


def put_here(policy: str) -> str:
    """Return a policy that demands TLS of nobody: here it would refuse everybody."""
    document: dict[str, Any] = json.loads(policy)
    statements = [
        {**one, "Condition": _NOBODY} if one.get("Condition") == _WITHOUT_TLS else one for one in document["Statement"]
    ]
    return json.dumps({**document, "Statement": statements})


def as_known(found: str, known: str) -> str:
    """Return a policy as it was asked for, if what is found is what was made of it; else what is found."""
    return known if json.loads(put_here(known)) == json.loads(found) else found
