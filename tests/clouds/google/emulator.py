"""Google's own emulator of Pub/Sub, a process of its own that ends with the front."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Final

from adapters.connections import Connections, Reply
from tests.clouds.google.world import free_port
from tests.clouds.tools import MissingToolError

_PLACE: Final = Path("/usr/lib/google-cloud-sdk/platform/pubsub-emulator/lib")
_PATIENCE: Final = 60.0
_SILENCE: Final = 120.0


def program() -> list[str]:
    """Return what runs it.

    Raises:
        MissingToolError: it is not on this machine.
    """
    jars, java = sorted(_PLACE.glob("*-all.jar")), shutil.which("java")
    if not jars or java is None:
        raise MissingToolError(f"Pub/Sub's emulator is not here: it wants java, and {_PLACE}/*-all.jar")
    return [java, "-Xmx256m", "-XX:TieredStopAtLevel=1", "-jar", str(jars[-1])]


class Emulator:
    """A running one."""

    def __init__(self, folder: Path) -> None:
        """Start it and wait until it answers.

        Raises:
            MissingToolError: it is not on this machine, or does not come up.
        """
        command, port = program(), free_port()
        address = ["--host=127.0.0.1", f"--port={port}"]
        with (folder / "pubsub.log").open("wb") as log:
            self._process = subprocess.Popen(
                command + address, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        self._host = f"127.0.0.1:{port}"
        self._connections = Connections(secure=False, timeout=_SILENCE)
        self._wait(port, folder / "pubsub.log")

    def send(self, method: str, target: str, body: bytes = b"") -> Reply:
        """Send a request as it is."""
        headers = {"Content-Type": "application/json"} if body else {}
        return self._connections.send(self._host, method, target, headers, body or None)

    def call(self, method: str, target: str, body: object = None) -> dict[str, Any]:
        """Call an operation that succeeds.

        Raises:
            RuntimeError: it does not.
        """
        reply = self.send(method, target, b"" if body is None else json.dumps(body).encode())
        if reply.status != 200:
            raise RuntimeError(f"{method} {target}: {reply.status} {reply.body[:300].decode('utf-8', 'replace')}")
        answer: dict[str, Any] = json.loads(reply.body or b"{}")
        return answer

    def close(self) -> None:
        """End it."""
        self._connections.close()
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _wait(self, port: int, log: Path) -> None:
        limit = time.monotonic() + _PATIENCE
        while time.monotonic() < limit and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        self.close()
        raise MissingToolError(f"Pub/Sub's emulator does not come up: {log.read_text(errors='replace')[-800:]}")
