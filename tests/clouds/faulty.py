"""An AWS that goes wrong when it is told to: it passes calls on to another one, but for those that have a fault."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from adapters.aws.api import Api
from adapters.aws.credentials import CredentialsKeeper
from adapters.aws.signing import Credentials
from loopwright.clock import system_clock
from tests.clouds.aws import REGION

Body = dict[str, Any]
Forward = Callable[[Body], Body]
"""Has the call really done, with this body, and returns the answer."""

Fault = Callable[[Body, Forward], Body]
"""Answers a call in its own way; raises `Refused`, or `Lost` for a connection that breaks."""


class Lost(Exception):  # noqa: N818 - it is no error here
    """The connection breaks without an answer."""


class Refused(Exception):  # noqa: N818
    """The service answers with an error."""

    def __init__(self, code: str, status: int = 400, **also: object) -> None:
        super().__init__(code)
        self.status = status
        self.body = {"__type": f"com.amazonaws#{code}", "message": "so it was planned", **also}


def lost(body: Body, forward: Forward) -> Body:
    """Do the call, and lose the answer."""
    forward(body)
    raise Lost


def refused(code: str, status: int = 400, **also: object) -> Fault:
    """Refuse the call."""

    def fault(_: Body, __: Forward) -> Body:
        raise Refused(code, status, **also)

    return fault


class Faulty:
    """Where it answers, which faults the next calls of an operation have, and every call that was made."""

    def __init__(self, endpoint: str) -> None:
        self.url = ""
        self.faults: dict[str, list[Fault]] = {}
        self.calls: list[tuple[str, Body]] = []
        self._behind = urlsplit(endpoint).netloc

    def bodies(self, operation: str) -> list[Body]:
        """Return what an operation was called with."""
        return [body for called, body in self.calls if called == operation]

    def answer(self, operation: str, body: Body, headers: dict[str, str]) -> tuple[int, bytes]:
        """Return the status and the body of an answer, or raise `Lost`."""

        def forward(body: Body) -> Body:
            status, content = self._forward(body, headers)
            answer: Body = json.loads(content) if content else {}
            if status != 200:
                raise Refused(answer.pop("__type").rpartition("#")[2], status, **answer)
            return answer

        self.calls.append((operation, body))
        planned = self.faults.get(operation)
        if not planned:
            return self._forward(body, headers)
        try:
            return 200, json.dumps(planned.pop(0)(body, forward)).encode()
        except Refused as refusal:
            return refusal.status, json.dumps(refusal.body).encode()

    def _forward(self, body: Body, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = HTTPConnection(self._behind, timeout=20)
        kept = {name: value for name, value in headers.items() if name.lower() not in {"content-length", "host"}}
        connection.request("POST", "/", json.dumps(body), kept)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content


@contextmanager
def faulty(endpoint: str) -> Iterator[Faulty]:
    """Start one in front of an endpoint."""
    place = Faulty(endpoint)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            try:
                status, content = place.answer(operation, body, dict(self.headers.items()))
            except Lost:
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    place.url = f"http://127.0.0.1:{server.server_port}"
    yield place
    server.shutdown()
    thread.join()
    server.server_close()


def impatient(service: str, endpoint: str) -> Api:
    """Return a client that does not wait between its attempts."""
    keeper = CredentialsKeeper(lambda: Credentials("test", "test"), system_clock)
    return Api(service, REGION, endpoint=endpoint, credentials=keeper, sleep=lambda _: None)
