"""What Google refuses, and what a refusal is called outside of the adapters.

Source: "Errors", Google API design guide (google.aip.dev/193): `{"error": {"code", "message", "status"}}`.
"""

import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from adapters.connections import Reply
from loopwright.errors import DeniedError, LoopwrightError, UnavailableError

_SERVER_ERRORS: Final = 500
_AGAIN: Final = frozenset({http.client.REQUEST_TIMEOUT, http.client.TOO_MANY_REQUESTS})
_DENIED: Final = frozenset({http.client.UNAUTHORIZED, http.client.FORBIDDEN})
_EXCERPT: Final = 300


class ServiceError(Exception):
    """A service refused a call.

    Attributes:
        code: Google's name of the reason, such as `FAILED_PRECONDITION`, or storage's own, such as `conditionNotMet`;
            `HTTP <status>` where it gives none.
        status: of HTTP.
        body: the whole answer.
        repeated: whether the call had been sent before, so that it may have been done then.
    """

    def __init__(self, code: str, message: str, status: int, body: bytes, *, repeated: bool) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.status = status
        self.body = body
        self.repeated = repeated

    @property
    def throttled(self) -> bool:
        """Whether the same call may work later."""
        if self.status == http.client.NOT_IMPLEMENTED:
            return False
        return self.status >= _SERVER_ERRORS or self.status in _AGAIN


def refusal_of(reply: Reply, *, repeated: bool) -> ServiceError:
    """Return what a reply says that is a refusal."""
    try:
        answer = msgspec.json.decode(reply.body)
        # Operations that answer in parts refuse in the only part.
        return told((answer[0] if isinstance(answer, list) else answer)["error"], reply, repeated=repeated)
    except (AttributeError, IndexError, KeyError, TypeError, msgspec.MsgspecError):
        message = reply.body[:_EXCERPT].decode("utf-8", "replace")
        return ServiceError(f"HTTP {reply.status}", message, reply.status, reply.body, repeated=repeated)


def told(error: Mapping[str, Any], reply: Reply, *, repeated: bool) -> ServiceError:
    """Return the refusal that an error in Google's form is; the reply that it is in may have begun as a success."""
    status = int(error.get("code") or reply.status)
    # Storage gives its reasons in an older form.
    reason = error["errors"][0]["reason"] if error.get("errors") else ""
    code, message = str(error.get("status") or reason or f"HTTP {status}"), str(error.get("message", ""))
    return ServiceError(code, message, status, reply.body, repeated=repeated)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn a refusal into DeniedError where a permission is missing, else into UnavailableError."""
    try:
        yield
    except ServiceError as error:
        raise translation(error, doing) from error


def translation(error: ServiceError, doing: str) -> LoopwrightError:
    """Return what a refusal is called outside of the adapters."""
    if error.status in _DENIED:
        return DeniedError(f"could not {doing}: Google refuses it: {error}")
    return UnavailableError(f"could not {doing}: {error}")
