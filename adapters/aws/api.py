"""Calls to AWS services: signed, kept alive, tried again. It takes the place of boto3, which costs a second to start.

What is tried again: what AWS calls throttled, answers of 5xx, and connections that broke or stayed silent. A call may
therefore have been done twice; whoever writes with an expectation must recognise his own write.
"""

import http.client
import random
import select
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import msgspec

from adapters.aws.credentials import CredentialsKeeper, source_of
from adapters.aws.signing import Request, Signer
from loopwright.clock import system_clock
from loopwright.errors import DeniedError, LoopwrightError, UnavailableError

ATTEMPTS: Final = 7
"""How often a call is made before it is given up."""

_HOSTS: Final = {"sagemaker": "api.sagemaker"}
"""Services whose address does not begin with the name that their requests are signed with."""

_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 3.0
_TIMEOUT: Final = 25.0
_REFUSALS: Final = 300
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


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


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


class Api:
    """One service in one region; safe in any thread."""

    def __init__(
        self,
        service: str,
        region: str,
        *,
        endpoint: str = "",
        credentials: CredentialsKeeper,
        sleep: Callable[[float], None] = time.sleep,
        timeout: float = _TIMEOUT,
    ) -> None:
        """Make a client; `endpoint` is where the service answers when it is not AWS, `timeout` how long silence is."""
        where = urlsplit(endpoint or f"https://{_HOSTS.get(service, service)}.{region}.{_domain(region)}")
        self.host = where.netloc
        self._secure = where.scheme == "https"
        self._signer = Signer(service, region)
        self.credentials = credentials
        self._sleep = sleep
        self._timeout = timeout
        self._idle: dict[str, list[http.client.HTTPConnection]] = {}

    def call(self, target: str, body: object, *, version: str = "1.0") -> dict[str, Any]:
        """Call an operation of a service that speaks AWS's JSON, such as `DynamoDB_20120810.GetItem`.

        Raises:
            ServiceError: it refuses.
            UnavailableError: it does not answer.
        """
        headers = {"Content-Type": f"application/x-amz-json-{version}", "X-Amz-Target": target}
        reply = self.send(Request("POST", self.host, headers=headers, body=msgspec.json.encode(body)))
        answer: dict[str, Any] = msgspec.json.decode(reply.body) if reply.body else {}
        return answer

    def send(self, request: Request) -> Reply:
        """Send a request until it is answered.

        Raises:
            ServiceError: the service refuses.
            UnavailableError: it does not answer.
        """
        attempt = 0
        while True:
            attempt += 1
            last = attempt >= ATTEMPTS
            try:
                reply = self._once(request)
            except (OSError, http.client.HTTPException) as error:
                if last:
                    raise UnavailableError(f"{request.host} does not answer: {error!r}") from error
            else:
                if reply.status < _REFUSALS:
                    return reply
                refusal = _refusal(reply, repeated=attempt > 1)
                if last or not refusal.throttled:
                    raise refusal
            self._sleep(random.uniform(0, min(_PAUSE * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311 - it only spreads

    def signed_url(self, request: Request, *, seconds: int) -> str:
        """Return a URL by which anyone can send the request for a while."""
        query = self._signer.query(request, self.credentials(), system_clock(), seconds=seconds)
        signed = Request(request.method, request.host, request.path, query)
        return f"{'https' if self._secure else 'http'}://{request.host}{signed.target}"

    def close(self) -> None:
        """Hang up."""
        for host in tuple(self._idle):
            self._hang_up(host)

    def _once(self, request: Request) -> Reply:
        headers = self._signer.headers(request, self.credentials(), system_clock())
        connection = self._connection(request.host)
        try:
            connection.request(request.method, request.target, request.body or None, headers)
            answer = connection.getresponse()
            body = answer.read()
        except BaseException:
            connection.close()
            # Those that lay idle beside it are as old as it was: a process that slept for long tries one of them only.
            self._hang_up(request.host)
            raise
        if answer.will_close:
            connection.close()
        else:
            self._idle.setdefault(request.host, []).append(connection)
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)

    def _connection(self, host: str) -> http.client.HTTPConnection:
        idle = self._idle.get(host, [])
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread was faster
                break
            if not _has_news(connection):
                return connection
            connection.close()
        if self._secure:
            return http.client.HTTPSConnection(host, timeout=self._timeout, context=_tls())
        return http.client.HTTPConnection(host, timeout=self._timeout)

    def _hang_up(self, host: str) -> None:
        for connection in self._idle.pop(host, []):
            connection.close()


class Clients:
    """The services of one place, each opened when it is first asked for."""

    def __init__(self, region: str, *, endpoint: str, environment: Mapping[str, str]) -> None:
        self._region = region
        self._endpoint = endpoint
        self._credentials = CredentialsKeeper(source_of(environment), system_clock)
        self._opened: dict[str, Api] = {}

    def api(self, service: str) -> Api:
        """Return the client of a service, by the name with which its requests are signed."""
        known = self._opened.get(service)
        if known is None:
            made = Api(service, self._region, endpoint=self._endpoint, credentials=self._credentials)
            known = self._opened.setdefault(service, made)
        return known

    def close(self) -> None:
        """Hang up."""
        for api in self._opened.values():
            api.close()


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


def _refusal(reply: Reply, *, repeated: bool) -> ServiceError:
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


def _has_news(connection: http.client.HTTPConnection) -> bool:
    """Return whether something came over an idle connection: that can only be its end."""
    watched = select.poll()
    watched.register(connection.sock, select.POLLIN)
    return bool(watched.poll(0))


_context: ssl.SSLContext | None = None


def _tls() -> ssl.SSLContext:
    """Return the one context of this process: reading the certificates takes as long as a call."""
    global _context  # noqa: PLW0603
    if _context is None:
        _context = ssl.create_default_context()
    return _context


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
