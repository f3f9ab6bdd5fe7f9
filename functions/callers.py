"""Who calls: what a guard has found out, for whoever has to know it further in."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

Known = Literal["nobody", "machine", "key", "token", "platform"]
"""How a caller is known: not at all, as who sits at this machine, by a key, by a token, or as the platform says."""

CALLER: Final = "loopwright.caller"
"""The member of an ASGI scope that says who calls."""

EVENT: Final = "aws.event"
"""The member of an ASGI scope with what AWS Lambda was called with; its `requestContext` is the platform's own word."""

_MAIL: Final = "email"
_TRUE: Final = (True, "true")
"""A claim's truth, in a token and as an API in front retells it."""


class Caller(msgspec.Struct, frozen=True):
    """Who calls.

    Attributes:
        name: an e-mail address, a subject, a key's name, an ARN; empty: nobody has asked who it is.
        known: how that is known.
    """

    name: str = ""
    known: Known = "nobody"

    @property
    def told(self) -> str:
        """The name, for people."""
        return self.name or "somebody without a name"


ANONYMOUS: Final = Caller()


def name_of(claims: Mapping[str, Any], claim: str) -> str:
    """Return whose token has these claims; empty if they do not tell.

    Args:
        claims: of a token that was verified.
        claim: the one that names its owner; empty: his verified address, and where he has none `sub:` and the subject.
            So nobody gets the name of another by choosing a subject that looks like his address.
    """
    if claim:
        return _text(claims, claim)
    if claims.get("email_verified") in _TRUE and _text(claims, _MAIL):
        return _text(claims, _MAIL)
    subject = _text(claims, "sub")
    return f"sub:{subject}" if subject else ""


def caller_of_event(event: Mapping[str, Any], claim: str) -> Caller:
    """Return whom the platform in front of AWS Lambda has let in: whose signature or whose token it has verified."""
    context = event.get("requestContext") or {}
    authorizer = context.get("authorizer") or {}
    arn = _text(authorizer.get("iam") or {}, "userArn") or _text(context.get("identity") or {}, "userArn")
    if arn:
        return Caller(arn, "platform")
    claims = (authorizer.get("jwt") or authorizer).get("claims")
    name = name_of(claims, claim) if isinstance(claims, Mapping) else ""
    return Caller(name, "platform") if name else ANONYMOUS


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""
