"""Calls to AWS services: signed, kept alive, tried again. It takes the place of boto3, which costs a second to start.

What is tried again: what AWS calls throttled, answers of 5xx, and connections that broke or stayed silent. A call may
therefore have been done twice; whoever writes with an expectation must recognise his own write.
"""

import http.client
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from adapters.aws.credentials import CredentialsKeeper, source_of
from adapters.aws.replies import refusal_of
from adapters.aws.signing import Request, Signer
from adapters.connections import Connections, Reply
from loopwright.clock import system_clock
from loopwright.errors import UnavailableError

ATTEMPTS: Final = 7
"""How often a call is made before it is given up."""

_HOSTS: Final = {"sagemaker": "api.sagemaker"}
"""Services whose address does not begin with the name that their requests are signed with."""

_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 3.0
_TIMEOUT: Final = 25.0
_REFUSALS: Final = 300


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
        self._connections = Connections(secure=self._secure, timeout=timeout)

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
                refusal = refusal_of(reply, repeated=attempt > 1)
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
        self._connections.close()

    def _once(self, request: Request) -> Reply:
        headers = self._signer.headers(request, self.credentials(), system_clock())
        return self._connections.send(request.host, request.method, request.target, headers, request.body or None)


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


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
