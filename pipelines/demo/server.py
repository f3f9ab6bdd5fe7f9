"""A running `functions.up` as a process of its own, and a connection to it."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from loopwright.errors import UnavailableError
from loopwright.settings import Settings

_CODE: Final = Path(__file__).parents[2]
_STARTING: Final = 60.0
_STOPPING: Final = 60.0
_PAUSE: Final = 0.02
_IDLE: Final = 2.0
"""Seconds after which a new connection is made: the server hangs up on idle ones."""

_OK: Final = 200
_LOG_LINES: Final = 15
_HEADERS: Final = {"Content-Type": "application/json"}


class Connection:
    """One HTTP connection, kept alive while it is in use, that sends and receives JSON."""

    def __init__(self, port: int) -> None:
        self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._encoder = msgspec.json.Encoder()
        self._used = 0.0

    def post(self, path: str, body: object) -> bytes:
        """Send a request and return the answer's body.

        Raises:
            UnavailableError: the answer is not 200; the message has its text.
        """
        if time.monotonic() - self._used > _IDLE:
            self._http.close()
        self._http.request("POST", path, self._encoder.encode(body), _HEADERS)
        answer = self._http.getresponse()
        content = answer.read()
        self._used = time.monotonic()
        if answer.status != _OK:
            raise UnavailableError(f"POST {path}: {answer.status}: {content[:2000].decode()}")
        return content

    def healthy(self) -> bool:
        """Return whether somebody answers yet."""
        try:
            self._http.request("GET", "/health")
            answer = self._http.getresponse()
            answer.read()
        except OSError:
            self._http.close()
            return False
        return answer.status == _OK

    def close(self) -> None:
        """Hang up."""
        self._http.close()


@contextmanager
def serving(settings: Settings, log: Path) -> Iterator[Connection]:
    """Run the functions and the worker until the block ends, then stop them in order.

    Raises:
        UnavailableError: they did not start; the message has the end of their log.
    """
    port = _free_port()
    command = [sys.executable, "-m", "functions.up", "--port", str(port)]
    path = os.pathsep.join(filter(None, (str(_CODE), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, **settings.to_env(), "PYTHONPATH": path}
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)  # noqa: S603
    connection = Connection(port)
    try:
        _await(process, connection, log)
        yield connection
    finally:
        connection.close()
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOPPING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await(process: "subprocess.Popen[bytes]", connection: Connection, log: Path) -> None:
    patience = time.monotonic() + _STARTING
    while not connection.healthy():
        if process.poll() is not None or time.monotonic() > patience:
            end = "\n".join(log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:])
            raise UnavailableError(f"the server did not start; the end of {log}:\n{end}")
        time.sleep(_PAUSE)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
