"""A Google that goes wrong when it is told to: it passes calls on to another one, but for those that have a fault."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from typing_extensions import override

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What a service answers; None instead of it: the connection breaks."""

    status: int
    body: bytes


Forward = Callable[[], Told]
"""Has the call really done, and returns the answer."""

Fault = Callable[[Body, Forward], Told | None]
"""Answers a call in its own way."""


def lost(_: Body, forward: Forward) -> None:
    """Do the call, and lose the answer."""
    forward()


def unheard(_: Body, __: Forward) -> None:
    """Break the connection before anything is done."""


def refused(status: int, code: str) -> Fault:
    """Refuse the call."""
    error = {"error": {"code": status, "status": code, "message": "so it was planned"}}
    return lambda _, __: Told(status, json.dumps(error).encode())


def answered(body: Body) -> Fault:
    """Answer with this, and do nothing."""
    return lambda _, __: Told(200, json.dumps(body).encode())


class Faulty:
    """Where it answers, which faults the next calls of an operation have, and every call that was made.

    An operation is called by its verb, such as `publish`, or by its method and what it is about: `PUT topics`.
    """

    def __init__(self, endpoint: str) -> None:
        self.url = ""
        self.faults: dict[str, list[Fault]] = {}
        self.calls: list[tuple[str, Body]] = []
        self._behind = urlsplit(endpoint).netloc

    def bodies(self, operation: str) -> list[Body]:
        """Return what an operation was called with."""
        return [body for called, body in self.calls if called == operation]

    def answer(self, method: str, target: str, content: bytes) -> Told | None:
        """Return what is answered."""
        path = urlsplit(target).path
        operation = path.rpartition(":")[2] if ":" in path else f"{method} {_about(path)}"
        body = json.loads(content) if content else {}
        self.calls.append((operation, body))
        planned = self.faults.get(operation)
        if planned:
            return planned.pop(0)(body, lambda: self._forward(method, target, content))
        return self._forward(method, target, content)

    def _forward(self, method: str, target: str, content: bytes) -> Told:
        connection = HTTPConnection(self._behind, timeout=20)
        try:
            connection.request(method, target, content or None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return Told(answer.status, answer.read())
        finally:
            connection.close()


@contextmanager
def faulty(endpoint: str) -> Iterator[Faulty]:
    """Start one in front of an endpoint."""
    place = Faulty(endpoint)

    class Handler(BaseHTTPRequestHandler):
        def do(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            told = place.answer(self.command, self.path, content)
            if told is None:
                return
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)

        do_GET = do_POST = do_PUT = do_DELETE = do  # noqa: N815 - the server's names

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    place.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield place
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _about(path: str) -> str:
    """Return the name of a path's collection, such as `topics`."""
    parts = path.strip("/").split("/")
    return parts[3] if len(parts) > 3 else parts[-1]
