"""An AWS in a process on this machine that runs Lambda functions for real and, if told, enforces IAM."""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from tests.clouds.aws import ACCOUNT, REGION
from tests.clouds.tools import MissingToolError, ministack_python

_PATIENCE: Final = 60.0
_NONE: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Ministack:
    """A running one. `folder` is its home: all that it writes is there, its log among it."""

    endpoint: str
    process: subprocess.Popen[bytes]
    folder: Path

    def reset(self) -> None:
        """Forget everything that was made in it."""
        request = urllib.request.Request(f"{self.endpoint}/_ministack/reset", method="POST")  # noqa: S310 - ours
        with urllib.request.urlopen(request, timeout=_PATIENCE):  # noqa: S310
            pass

    def log(self) -> str:
        """Return what it has said so far."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End it, and the functions that it runs; all it knew is gone."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(
    *, auth: bool, port: int | None = None, folder: Path | None = None, variables: Mapping[str, str] = _NONE
) -> Ministack:
    """Start one and wait until it answers. With `auth` it refuses what IAM does not allow.

    The functions that it runs find `variables` in their environment besides their own.

    Raises:
        MissingToolError: it cannot be installed here, or it does not come up.
    """
    python = ministack_python()
    home = folder or Path(tempfile.mkdtemp(prefix="ministack-"))
    endpoint = f"http://127.0.0.1:{port or _free_port()}"
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", "ministack"],
            env={**_environment(endpoint, home, auth=auth), **variables},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = Ministack(endpoint, process, home)
    if not _answers(started):
        said = started.log()[-800:]
        started.stop()
        raise MissingToolError(f"ministack does not answer at {endpoint}: {said}")
    return started


@contextmanager
def running(*, auth: bool, variables: Mapping[str, str] = _NONE) -> Iterator[Ministack]:
    """Start one for the time of the block."""
    started = start(auth=auth, variables=variables)
    try:
        yield started
    finally:
        started.stop()


@cache
def ministack() -> str:
    """Return where one answers that lets everybody do everything; it is started once a process, and ends with it.

    Raises:
        MissingToolError: as for `start`.
    """
    started = start(auth=False)
    atexit.register(started.stop)
    return started.endpoint


def _environment(endpoint: str, home: Path, *, auth: bool) -> dict[str, str]:
    """Return all that it knows of the machine: it would find credentials, proxies and Docker otherwise."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "STATE_DIR": str(home / "state"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": endpoint.rpartition(":")[2],
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "AUTH": str(auth).lower(),
        "LOG_LEVEL": "WARNING",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(started: Ministack) -> bool:
    limit = time.monotonic() + _PATIENCE
    while time.monotonic() < limit and started.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{started.endpoint}/_ministack/ready", timeout=5):  # noqa: S310
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    return False
