"""A Google on this machine: started once a process, at one address, with the services that are asked for."""

import atexit
import importlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.clouds.google.front import Service, serve
from tests.clouds.tools import ROOT, MissingToolError

_PATIENCE: Final = 60.0
_MISSING: Final = 3
"""The exit code of a front that cannot be, for want of a tool; what it says is why."""

Start = Callable[[Path], Service]


def _named(module: str) -> Callable[[], Start]:
    """Return what imports a service, which is only done when it is asked for."""

    def starter() -> Start:
        start: Start = importlib.import_module(f"tests.clouds.google.{module}").start
        return start

    return starter


SERVICES: Final[dict[str, Callable[[], Start]]] = {
    "accounts": _named("accounts"),
    "firestore": _named("firestore"),
    "monitoring": _named("monitoring"),
    "oidc": _named("oidc"),
    "pubsub": _named("pubsub"),
    "run-jobs": _named("run_jobs"),
    "vertex": _named("vertex"),
    # Last: a path that nobody else knows is an object's, if it begins with the name of a bucket.
    "storage": _named("storage"),
}
"""How each service is found by its name. They are asked in this order whether a request is theirs."""


@dataclass(frozen=True, slots=True)
class Google:
    """A running one. `folder` is its home: all that it writes is there, its log among it."""

    endpoint: str
    process: subprocess.Popen[bytes]
    folder: Path

    def log(self) -> str:
        """Return what it has said so far."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End it, and what it has started; all it knew is gone."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(services: Sequence[str], *, port: int | None = None, folder: Path | None = None) -> Google:
    """Start one with these services and wait until it answers.

    Raises:
        MissingToolError: one of the services needs what is not here, or does not come up.
    """
    home = folder or Path(tempfile.mkdtemp(prefix="google-"))
    at = port or free_port()
    with (home / "log").open("wb") as log:
        command = [sys.executable, "-m", "tests.clouds.google.front", str(at), str(home), *services]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    started = Google(f"http://127.0.0.1:{at}", process, home)
    limit = time.monotonic() + _PATIENCE
    while time.monotonic() < limit and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", at), timeout=1.0).close()
        except OSError:
            time.sleep(0.05)
        else:
            return started
    said = started.log()[-800:]
    started.stop()
    raise MissingToolError(f"no Google with {', '.join(services)}: {said}")


@cache
def google(*services: str) -> str:
    """Return where one answers; it is started once a process for these services, and ends with it.

    Raises:
        MissingToolError: as for `start`.
    """
    started = start(services)
    atexit.register(started.stop)
    return started.endpoint


def free_port() -> int:
    """Return a port of this machine that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(argv: Sequence[str]) -> int:
    """Answer until the process is told to end."""
    port, folder, *names = argv
    started: list[Service] = []
    try:
        started.extend(SERVICES[name]()(Path(folder)) for name in names)
        serve(int(port), started)
        _until_told()
    except MissingToolError as error:
        sys.stderr.write(f"{error}\n")
        return _MISSING
    finally:
        for service in started:
            service.close()
    return 0


def _until_told() -> None:
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    over.wait()
