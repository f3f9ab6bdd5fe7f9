"""Firestore, answered by Google's own emulator over REST.

What the emulator does otherwise than Firestore, as far as it matters here:

- It takes a call for a visitor's unless it is told `Bearer owner`; service accounts are no visitors, so it is told so.
- A commit that meets the lock of a transaction gives up after 2 seconds with ABORTED; Firestore's waits for longer.
- It needs no index: a query that Firestore would refuse for want of one is answered. Only by falling names it never
  sorts, which Firestore does where there is an index for it.
- Who reads several documents while they are written may see some before and some after, in read-only transactions and
  queries too; only what was so a moment ago is seen as it was.
- Every database is there as soon as it is named, and no document is ever removed because it has expired.
- It takes requests, and gives answers, of any size, and knows no quotas.
"""

import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from typing_extensions import override

from adapters.connections import Connections
from tests.clouds.google.front import Answer, Request, Service
from tests.clouds.google.world import free_port
from tests.clouds.tools import MissingToolError

JAR: Final = Path(
    "/usr/lib/google-cloud-sdk/platform/cloud-firestore-emulator/cloud-firestore-emulator.jar",
)
"""Where `gcloud components install cloud-firestore-emulator` puts it."""

_MAIN: Final = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_PATIENCE: Final = 60.0
_WAIT: Final = 0.05


class Firestore(Service):
    """Stands before the emulator, and ends it."""

    def __init__(self, emulator: subprocess.Popen[bytes], port: int) -> None:
        self._emulator = emulator
        self._host = f"127.0.0.1:{port}"
        self._connections = Connections(secure=False, timeout=120.0)

    @override
    def takes(self, request: Request) -> bool:
        """Return whether documents are meant, or all documents of a database (the emulator's own call)."""
        parts = request.path.split("/")
        match parts:
            case ["", "v1", "projects", _, "databases", _, asked, *_]:
                return asked.partition(":")[0] == "documents"
            case ["", "emulator", "v1", "projects", _, "databases", _, "documents"]:
                return True
        return False

    @override
    def answer(self, request: Request) -> Answer:
        """Let the emulator answer."""
        headers = {"Content-Type": "application/json", "Authorization": "Bearer owner"}
        reply = self._connections.send(self._host, request.method, request.target, headers, request.body)
        return Answer(reply.status, reply.body, {"Content-Type": reply.headers.get("content-type", "application/json")})

    @override
    def close(self) -> None:
        """End the emulator."""
        self._connections.close()
        self._emulator.terminate()
        try:
            self._emulator.wait(5)
        except subprocess.TimeoutExpired:
            self._emulator.kill()
            self._emulator.wait()


def start(folder: Path) -> Firestore:
    """Start the emulator and wait until it answers.

    Raises:
        MissingToolError: it is not on this machine, or does not come up.
    """
    port = free_port()
    log = folder / "firestore.log"
    with log.open("wb") as output:
        command = [*program(), "--host=127.0.0.1", f"--port={port}"]
        emulator = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    started = Firestore(emulator, port)
    limit = time.monotonic() + _PATIENCE
    while time.monotonic() < limit and emulator.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
        except OSError:
            time.sleep(_WAIT)
        else:
            return started
    started.close()
    raise MissingToolError(f"Google's Firestore emulator does not come up: {log.read_text(errors='replace')[-800:]}")


def program() -> Sequence[str]:
    """Return what runs the emulator.

    Raises:
        MissingToolError: it is not on this machine.
    """
    java = shutil.which("java")
    if java is None:
        raise MissingToolError("java is not on this machine, and Google's Firestore emulator needs it")
    if not JAR.exists():
        raise MissingToolError(f"Google's Firestore emulator is not on this machine: there is no {JAR}")
    return [java, "-Xmx384m", "-Duser.language=en", "-cp", str(JAR), _MAIN]
