"""A Google that goes wrong when it is told to: it passes calls on to another one, but for those that have a fault."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

from adapters.gcp.api import Api
from adapters.gcp.tokens import Nobody

Body = Any
"""What is asked or answered, read from JSON."""

Forward = Callable[[Body], Body]
"""Has the call really done, with this body, and returns the answer."""

Fault = Callable[[Body, Forward], Body]
"""Answers a call in its own way; raises `Refused`, or `Lost` for a connection that breaks."""


class Lost(Exception):  # noqa: N818 - it is no error here
    """The connection breaks without an answer."""


class Refused(Exception):  # noqa: N818
    """The service answers with an error."""

    def __init__(self, status: int, code: str, message: str = "so it was planned") -> None:
        super().__init__(code)
        self.status = status
        self.body = {"error": {"code": status, "status": code, "message": message}}


def lost(body: Body, forward: Forward) -> Body:
    """Do the call, and lose the answer."""
    forward(body)
    raise Lost


def refused(status: int, code: str, message: str = "so it was planned") -> Fault:
    """Refuse the call."""

    def fault(_: Body, __: Forward) -> Body:
        raise Refused(status, code, message)

    return fault


class Faulty:
    """Where it answers, which faults the next calls of an operation have, and every call that was made.

    An operation is what comes after the colon of a path: `commit` of `/v1/…/documents:commit`.
    """

    def __init__(self, endpoint: str) -> None:
        self.url = ""
        self.faults: dict[str, list[Fault]] = {}
        self.calls: list[tuple[str, Body]] = []
        self._behind = urlsplit(endpoint).netloc

    def bodies(self, operation: str) -> list[Body]:
        """Return what an operation was called with."""
        return [body for called, body in self.calls if called == operation]

    def answer(self, path: str, content: bytes) -> tuple[int, bytes]:
        """Return the status and the body of an answer, or raise `Lost`."""
        operation, body = path.rpartition(":")[2], json.loads(content)

        def forward(body: Body) -> Body:
            status, content = self._forward(path, json.dumps(body).encode())
            answer = json.loads(content)
            if status != 200:
                raise Refused(status, answer["error"]["status"], answer["error"]["message"])
            return answer

        self.calls.append((operation, body))
        planned = self.faults.get(operation)
        if not planned:
            return self._forward(path, content)
        try:
            return 200, json.dumps(planned.pop(0)(body, forward)).encode()
        except Refused as refusal:
            # Operations that stream refuse in the first part of what they stream.
            streams = operation in {"batchGet", "runQuery"}
            return refusal.status, json.dumps([refusal.body] if streams else refusal.body).encode()

    def _forward(self, path: str, content: bytes) -> tuple[int, bytes]:
        connection = HTTPConnection(self._behind, timeout=20)
        connection.request("POST", path, content, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        told = answer.read()
        connection.close()
        return answer.status, told


@contextmanager
def faulty(endpoint: str) -> Iterator[Faulty]:
    """Start one in front of an endpoint."""
    place = Faulty(endpoint)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            try:
                status, content = place.answer(self.path, self.rfile.read(int(self.headers["Content-Length"])))
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


def impatient(endpoint: str) -> Api:
    """Return a client that does not wait between its attempts."""
    return Api("", endpoint=endpoint, tokens=Nobody(), sleep=lambda _: None)
