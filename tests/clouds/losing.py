"""A way to a cloud on which the answers to some requests get lost, after the cloud has done what they ask for."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from typing_extensions import override

Loses = Callable[[str, str], bool]
"""Whether the answer to a method on a target gets lost; asked once a request."""


@dataclass
class Losses:
    """Loses the answers to the next `count` requests of a method to targets that have `part` in them.

    Something else may happen `then`, before anybody notices.
    """

    method: str = ""
    part: str = ""
    count: int = 0
    lost: list[str] = field(default_factory=list)
    then: Callable[[], object] = lambda: None

    def __call__(self, method: str, target: str) -> bool:
        if method != self.method or self.part not in target or self.count == 0:
            return False
        self.count -= 1
        self.lost.append(target)
        self.then()
        return True


@contextmanager
def losing(endpoint: str, loses: Loses) -> Iterator[str]:
    """Yield where the way to an endpoint begins."""
    target = urlsplit(endpoint).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            connection = http.client.HTTPConnection(target, timeout=30)
            try:
                connection.request(self.command, self.path, body or None, dict(self.headers.items()))
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            if loses(self.command, self.path):
                self.close_connection = True
                return
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                    self.send_header(name, value)
            length = answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = forward  # noqa: N815 - the server's names

        @override
        def finish(self) -> None:
            super().finish()
            self.connection.close()

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
