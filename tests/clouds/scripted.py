"""A service on this machine that answers as a test tells it to, and remembers what it was asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered. `lost`: the connection breaks first; `silent`: so many seconds pass first.

    `closes`: the connection ends after the answer, which does not say so.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    lost: bool = False
    silent: float = 0.0
    closes: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    client: tuple[str, int]


@dataclass
class Script:
    endpoint: str
    answers: list[Answer] = field(default_factory=list)
    """What comes next; when there is nothing left, the answer is 200."""
    asked: list[Asked] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)


@contextmanager
def scripted(*answers: Answer) -> Iterator[Script]:
    script = Script("", list(answers))
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.asked.append(Asked(self.command, self.path, headers, body, self.client_address))
            given = script.answers.pop(0) if script.answers else Answer()
            nobody_waits = over.wait(given.silent)
            self.close_connection = given.lost or given.closes or nobody_waits
            if given.lost or nobody_waits:
                return
            self.send_response(given.status)
            for name, value in {"Content-Length": str(len(given.body)), **given.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(given.body)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer  # noqa: N815 - the server's names

        @override
        def finish(self) -> None:
            super().finish()
            self.connection.close()
            script.closed.set()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    script.endpoint = f"http://127.0.0.1:{server.server_port}"
    server.daemon_threads = True
    try:
        yield script
    finally:
        over.set()
        server.shutdown()
        thread.join()
        server.server_close()
