"""Calls to Google's services over REST: with a token, kept alive, tried again; in the place of Google's libraries.

What is tried again: answers of 408, 429 and 5xx, 501 apart, and connections that broke or stayed silent. A call may
therefore have been done twice; whoever writes with an expectation must recognise his own write.
"""

import http.client
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from adapters.connections import Connections, Reply
from adapters.gcp.replies import refusal_of
from adapters.gcp.tokens import Tokens
from loopwright.errors import UnavailableError

ATTEMPTS: Final = 7
"""How often a call is made before it is given up."""

_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 3.0
_TIMEOUT: Final = 25.0
_REFUSALS: Final = 300
_NONE: Final[Mapping[str, str]] = {}

Query = Mapping[str, str | int | bool]


class Api:
    """One service, by its host such as `storage.googleapis.com`; safe in any thread."""

    def __init__(
        self,
        host: str,
        *,
        endpoint: str = "",
        tokens: Tokens,
        sleep: Callable[[float], None] = time.sleep,
        timeout: float = _TIMEOUT,
    ) -> None:
        """Make a client; `endpoint` is where the service answers if not at Google, `timeout` how long silence is."""
        where = urlsplit(endpoint or f"https://{host}")
        self.host = where.netloc
        self.origin = f"{where.scheme}://{where.netloc}"
        self._tokens = tokens
        self._sleep = sleep
        self._connections = Connections(secure=where.scheme == "https", timeout=timeout)

    def call(self, method: str, path: str, body: object = None, *, query: Query = _NONE) -> dict[str, Any]:
        """Call an operation that takes and answers JSON; `path` is quoted already (see `quoted`).

        Raises:
            ServiceError: it refuses.
            DeniedError: this process has no credentials.
            UnavailableError: it does not answer.
        """
        content = b"" if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"} if content else _NONE
        reply = self.send(method, path, content, query=query, headers=headers)
        answer: dict[str, Any] = msgspec.json.decode(reply.body) if reply.body else {}
        return answer

    def send(
        self, method: str, path: str, body: bytes = b"", *, query: Query = _NONE, headers: Mapping[str, str] = _NONE
    ) -> Reply:
        """Send a request until it is answered; errors are those of `call`."""
        target = f"{path}?{urlencode(_texts(query))}" if query else path
        attempt = 0
        while True:
            attempt += 1
            last = attempt >= ATTEMPTS
            carried = {**headers, **self._tokens.header()}
            try:
                reply = self._connections.send(self.host, method, target, carried, body or None)
            except (OSError, http.client.HTTPException) as error:
                if last:
                    raise UnavailableError(f"{self.host} does not answer: {error!r}") from error
            else:
                if reply.status < _REFUSALS:
                    return reply
                refusal = refusal_of(reply, repeated=attempt > 1)
                if last or not refusal.throttled:
                    raise refusal
            self._sleep(random.uniform(0, min(_PAUSE * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311 - it only spreads

    def close(self) -> None:
        """Hang up."""
        self._connections.close()


class Clients:
    """The services of one place, each opened when it is first asked for."""

    def __init__(self, tokens: Tokens, *, endpoint: str) -> None:
        self._tokens = tokens
        self._endpoint = endpoint
        self._opened: dict[str, Api] = {}

    def api(self, host: str) -> Api:
        """Return the client of a service, by its host."""
        known = self._opened.get(host)
        if known is None:
            known = self._opened.setdefault(host, Api(host, endpoint=self._endpoint, tokens=self._tokens))
        return known

    def close(self) -> None:
        """Hang up."""
        for api in self._opened.values():
            api.close()


def quoted(part: str) -> str:
    """Return one segment of a path, such as the name of an object, as it is in a URL."""
    return quote(part, safe="")


def _texts(query: Query) -> dict[str, str]:
    """Return the values as Google wants them: its booleans are in lower case."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in query.items()}
