"""Other people's MLflow, whole: what ours is compared with, and whose client and UI ours serves.

It has an environment of its own under `.tools/`, for it forbids the pandas that Loopwright trains with.
"""

import hashlib
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

import pytest

from tests.clouds.tools import MissingToolError, environment, made

VERSION: Final = "3.17.2"

PACKAGES: Final = (
    f"mlflow=={VERSION}",
    "pandas<3",
    "scikit-learn==1.9.*",
    "skops==0.16.*",
    "uvloop",
    "mlflow-export-import",
    "tabulate",  # which it wants and does not say
    "requests-auth-aws-sigv4",
    "boto3",
)
"""MLflow, what it is used with from notebooks, and what moves experiments between servers."""

_PATIENCE: Final = 120.0
_NONE: Final[Mapping[str, str]] = {}


@cache
def python_of_stock() -> Path:
    """Return the interpreter that has MLflow, made once on this machine.

    Raises:
        MissingToolError: it cannot be installed here.
    """
    # Another list is another environment: one that was made before may lack what is wanted now.
    listed = hashlib.sha256(" ".join(PACKAGES).encode()).hexdigest()[:8]
    return made(f"mlflow-{VERSION}-{listed}", environment(PACKAGES)) / "bin" / "python"


def stock_environment(home: Path) -> dict[str, str]:
    """Return all that a process of that interpreter shall know of the machine: MLflow looks for Git, AWS and more."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_INCREMENTAL_TRACE_COST": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }


@dataclass(frozen=True, slots=True)
class Stock:
    """A running server. `folder` has its database, its artifacts and its log."""

    url: str
    process: subprocess.Popen[bytes]
    folder: Path

    def log(self) -> str:
        """Return what it has said so far."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End it, its workers with it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(folder: Path, *, workers: int = 1, variables: Mapping[str, str] = _NONE) -> Stock:
    """Start a server on SQLite in this folder and wait until it answers.

    Raises:
        MissingToolError: it cannot be installed here, or does not come up.
    """
    python = python_of_stock()
    port = _free_port()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(python, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
                *("--backend-store-uri", f"sqlite:///{folder}/mlflow.db"),
                *("--artifacts-destination", folder / "artifacts", "--serve-artifacts"),
                *("--workers", str(workers), "--uvicorn-opts", "--loop uvloop --log-level warning"),
            ],
            env={**stock_environment(folder), **variables},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    started = Stock(f"http://127.0.0.1:{port}", process, folder)
    if not _answers(started):
        said = started.log()[-800:]
        started.stop()
        raise MissingToolError(f"MLflow does not answer at {started.url}: {said}")
    return started


@contextmanager
def stock_server(
    folder: Path | None = None, *, workers: int = 1, variables: Mapping[str, str] = _NONE
) -> Iterator[str]:
    """Yield the address of a server that lives as long as the block; a test that cannot have one is skipped by name."""
    home = folder or Path(tempfile.mkdtemp(prefix="mlflow-"))
    try:
        started = start(home, workers=workers, variables=variables)
    except MissingToolError as error:
        pytest.skip(f"MLflow is not to be had: {error}")
    try:
        yield started.url
    finally:
        started.stop()
        if folder is None:
            shutil.rmtree(home, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(started: Stock) -> bool:
    limit = time.monotonic() + _PATIENCE
    while time.monotonic() < limit and started.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{started.url}/health", timeout=5):  # noqa: S310 - ours
                return True
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    return False
