"""A load generator: so many connections, each sends the same request again as soon as it is answered.

`load.py HOST PORT PATH BODY_FILE CONNECTIONS SECONDS` prints answered requests a second. Bare sockets, one thread, and
of an answer only its status and its length are read, so that it costs a fraction of what it measures; both sides of a
comparison share a machine's cores with it.
"""

import re
import selectors
import socket
import sys
import time
from pathlib import Path
from typing import Final

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LAST_CHUNK: Final = b"0\r\n\r\n"
_OK: Final = b"HTTP/1.1 200"


class Connection:
    """One connection, with a request under way."""

    def __init__(self, host: str, port: int, request: bytes) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._request = request
        self._received = b""

    def ask(self) -> None:
        """Send the request."""
        self.socket.sendall(self._request)

    def answered(self) -> bool:
        """Read what has come; return whether the answer is complete, or raise an error if it is a bad one."""
        received = self.socket.recv(65_536)
        self._received += received
        if received and not is_complete(self._received):
            return False
        if not self._received.startswith(_OK):
            raise RuntimeError(self._received.decode() or "the server closed the connection")
        self._received = b""
        return True


def is_complete(answer: bytes) -> bool:
    """Return whether the bytes hold a whole answer, by its content length or to its last chunk."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not blank:
        return False
    length = _LENGTH.search(head)
    return len(body) >= int(length[1]) if length else body.endswith(_LAST_CHUNK)


def load(host: str, port: int, path: str, body: bytes, connections: int, seconds: float) -> float:
    """Return answered requests a second."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    selector = selectors.DefaultSelector()
    for _ in range(connections):
        connection = Connection(host, port, head.encode() + body)
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.ask()
    started = time.perf_counter()
    answered = 0
    while (elapsed := time.perf_counter() - started) < seconds:
        for key, _ in selector.select():
            if key.data.answered():
                answered += 1
                key.data.ask()
    return answered / elapsed


if __name__ == "__main__":
    host, port, path, body_file, connections, seconds = sys.argv[1:]
    body = Path(body_file).read_bytes()
    print(load(host, int(port), path, body, int(connections), float(seconds)))
