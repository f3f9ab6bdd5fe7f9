"""A Google on this machine: started once a process, at one address, with the services that are asked for."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.clouds.google.front import Service, serve
from tests.clouds.google.here import Here, note
from tests.clouds.google.machines import machines_of
from tests.clouds.tools import ROOT, MissingToolError

_PATIENCE: Final = 60.0
_MISSING: Final = 3
"""The exit code of a front that cannot be, for want of a tool; what it says is why."""

Start = Callable[[Path], Service]
_NONE: Final[Mapping[str, str]] = {}
_GRACE: Final = 20.0

SERVICES: Final = (
    "accounts",
    "oidc",
    "pubsub",
    "monitoring",
    "iam",
    "secret-versions",
    "run-jobs",
    "run-services",
    "builds",
    "scheduler",
    "resources",
    "vertex",
    "firestore",
    "storage",
)
"""All services, each a module of that name beside this one. They are asked in this order whether a request is theirs.

Storage is the last: a path that nobody else knows is an object's, if it begins with the name of a bucket.
"""


def _start(name: str) -> Start:
    """Return what starts a service; it is imported when it is asked for."""
    found: Start = import_module(f"tests.clouds.google.{name.replace('-', '_')}").start
    return found


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
        end(self.process.pid, self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def start(
    services: Sequence[str],
    *,
    port: int | None = None,
    folder: Path | None = None,
    variables: Mapping[str, str] = _NONE,
) -> Google:
    """Start one with these services and wait until it answers.

    The containers that it runs find `variables` in their environment besides their own.

    Raises:
        MissingToolError: one of the services needs what is not here, or does not come up.
    """
    home = folder or Path(tempfile.mkdtemp(prefix="google-"))
    at = port or free_port()
    note(home, Here(f"http://127.0.0.1:{at}", variables))
    with (home / "log").open("wb") as log:
        command = [sys.executable, "-m", "tests.clouds.google.front", str(at), str(home), *services]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
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


@contextmanager
def running(services: Sequence[str], *, variables: Mapping[str, str] = _NONE) -> Iterator[Google]:
    """Start one for the time of the block.

    Raises:
        MissingToolError: as for `start`.
    """
    started = start(services, variables=variables)
    try:
        yield started
    finally:
        started.stop()


@cache
def google(*services: str) -> str:
    """Return where one answers; it is started once a process for these services, and ends with it.

    Raises:
        MissingToolError: as for `start`.
    """
    started = start(services)
    atexit.register(started.stop)
    return started.endpoint


def end(pid: int, process: subprocess.Popen[bytes] | None = None) -> None:
    """End a front and all that it has started; it gets some time to do that in order."""
    limit = time.monotonic() + _GRACE
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < limit and (process.poll() is None if process else _lives(pid)):
            time.sleep(0.05)
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if process:
        process.wait()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


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
        with ThreadPoolExecutor(len(names)) as pool:
            found = [pool.submit(_start(name), Path(folder)) for name in sorted(names, key=SERVICES.index)]
        failures = [error for one in found if (error := one.exception())]
        started.extend(one.result() for one in found if not one.exception())
        if failures:
            raise failures[0]
        machines_of(Path(folder)).services = started
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
