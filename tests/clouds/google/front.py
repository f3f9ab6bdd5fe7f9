"""One address at which a Google on this machine answers: `python -m tests.clouds.google.front <port> <folder>`.

Google's services have hosts of their own and paths that no two of them share, so that one server can tell them apart.
Each module beside this one is a service, or stands before an emulator of one; what they keep besides is in the folder.
"""

import json
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Protocol
from urllib.parse import parse_qs, urlsplit

_NONE: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks: `path` is quoted as it came, `query` unquoted, names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    target: str
    headers: Mapping[str, str]
    body: bytes

    def one(self, name: str, default: str = "") -> str:
        """Return a parameter of the query."""
        return self.query.get(name, [default])[0]

    def json(self) -> Any:  # noqa: ANN401
        """Return the body."""
        return json.loads(self.body) if self.body else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What it is told."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def told(value: object, status: int = 200) -> Answer:
    """Return JSON."""
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def refused(status: int, code: str, message: str) -> Answer:
    """Return a refusal in Google's form."""
    return told({"error": {"code": status, "status": code, "message": message}}, status)


class Service(Protocol):
    """One service of Google's."""

    def takes(self, request: Request) -> bool:
        """Return whether this is the service that is asked."""
        ...

    def answer(self, request: Request) -> Answer:
        """Answer it."""
        ...

    def close(self) -> None:
        """End what it has started."""
        ...


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the first service that takes it."""

    protocol_version = "HTTP/1.1"
    services: Sequence[Service] = ()
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Say nothing."""

    def _do(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        where = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = parse_qs(where.query, keep_blank_values=True)
        request = Request(self.command, where.path, query, self.path, headers, body)
        answer = self._answered(request)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in {"content-length", "connection", "transfer-encoding", "date", "server"}:
                self.send_header(name, value)
        # To HEAD the length is told of what GET would answer.
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _answered(self, request: Request) -> Answer:
        for service in self.services:
            if service.takes(request):
                try:
                    return service.answer(request)
                except Exception as error:  # noqa: BLE001 - whoever asks must hear of it
                    return refused(500, "INTERNAL", f"{type(error).__name__}: {error}")
        return refused(501, "UNIMPLEMENTED", f"nobody here answers {request.method} {request.path}")


for _method in ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD"):
    setattr(Handler, f"do_{_method}", Handler._do)


def serve(port: int, services: Sequence[Service]) -> ThreadingHTTPServer:
    """Return a server that answers in a thread of its own."""
    handler = type("Bound", (Handler,), {"services": services})
    ThreadingHTTPServer.request_queue_size = 128
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    from tests.clouds.google.world import main

    sys.exit(main(sys.argv[1:]))
