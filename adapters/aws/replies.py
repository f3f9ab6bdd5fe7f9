"""What AWS refuses, and what a refusal is called outside of the adapters."""

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from xml.etree import ElementTree as ET

import msgspec

from adapters.connections import Reply
from loopwright.errors import DeniedError, LoopwrightError, UnavailableError

_SERVER_ERRORS: Final = 500
_TOO_MANY: Final = 429
_THROTTLED: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "ConditionalRequestConflict",
        "EC2ThrottledException",
        "LimitExceededException",
        "OperationAborted",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)


class ServiceError(Exception):
    """A service refused a call.

    Attributes:
        code: AWS's name of the reason, such as `ConditionalCheckFailedException`.
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
        return self.code in _THROTTLED or self.status >= _SERVER_ERRORS or self.status == _TOO_MANY


def refusal_of(reply: Reply, *, repeated: bool) -> ServiceError:
    """Return what a reply says that is a refusal, in AWS's JSON or in S3's XML."""
    code, message = reply.headers.get("x-amzn-errortype", ""), ""
    try:
        if reply.body.lstrip().startswith(b"<"):
            told = {one.tag.rpartition("}")[2]: one.text or "" for one in ET.fromstring(reply.body).iter()}  # noqa: S314 - AWS's own answer
            code, message = told.get("Code", code), told.get("Message", "")
        elif reply.body:
            fields = msgspec.json.decode(reply.body, type=dict[str, Any])
            code = code or str(fields.get("__type") or fields.get("code") or "")
            message = str(fields.get("message") or fields.get("Message") or "")
    except (ET.ParseError, msgspec.MsgspecError):
        message = reply.body[:300].decode("utf-8", "replace")
    name = code.partition(":")[0].rpartition("#")[2] or f"HTTP {reply.status}"
    return ServiceError(name, message, reply.status, reply.body, repeated=repeated)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn a refusal into DeniedError where a permission is missing, else into UnavailableError."""
    try:
        yield
    except ServiceError as error:
        raise translation(error, doing) from error


def translation(error: ServiceError, doing: str) -> LoopwrightError:
    """Return what a refusal is called outside of the adapters."""
    if error.code in _DENIED or error.status == http.client.FORBIDDEN:
        return DeniedError(f"could not {doing}: AWS refuses it: {error}")
    return UnavailableError(f"could not {doing}: {error}")
