"""Two tracking servers, each in a process of its own: ours on SQLite and files, and `mlflow server` on SQLite.

MLflow's is the fair one: two workers, uvloop, and without the jobs of its own that slow it down; it answers each call
some 40 ms sooner than the stock one. The files of both are in memory where the machine has such a place, so that it
does not count how each of them waits for the disk.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.peers.environments import python_with
from benchmarks.serving.sides import ROOT

MLFLOW = ("mlflow==3.17.2", "pandas<3", "uvloop", "httptools")
PATIENCE = 120.0
OK = 200
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


def place() -> str | None:
    """Return where the files of both sides are; None: where temporary files are."""
    return str(_MEMORY) if _MEMORY.is_dir() else None


@dataclass(frozen=True)
class Side:
    """How a server is started: its command with `{port}` to fill in, and what its environment has besides."""

    command: list[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Running:
    """A server that answers: where, since how many seconds after its start, and as which process."""

    port: int
    first_answer: float
    process: psutil.Process

    def memory(self) -> float:
        """Return the resident memory of the server with all of its processes, in MB."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(one.memory_info().rss for one in family) / 1e6


def ours(folder: Path) -> Side:
    """Return our tracking function as a container runs it."""
    settings = {
        "LOOPWRIGHT_PROVIDER": "local",
        "LOOPWRIGHT_HOME": str(folder / "ours"),
        "LOOPWRIGHT_PROJECT": str(ROOT / "examples" / "flights"),
        "LOOPWRIGHT_AUTH": "public-without-any-check",
        "PORT": "{port}",
    }
    return Side([sys.executable, "-m", "functions.container", "tracking"], settings)


def mlflow(folder: Path) -> Side:
    """Return MLflow's server."""
    python = python_with(*MLFLOW)
    place = folder / "mlflow"
    place.mkdir(parents=True, exist_ok=True)
    stores = [
        "--backend-store-uri",
        f"sqlite:///{place}/mlflow.db",
        "--artifacts-destination",
        str(place / "artifacts"),
    ]
    served = ["--host", "127.0.0.1", "--port", "{port}", "--workers", "2", "--uvicorn-opts", "--loop uvloop"]
    environment = {
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return Side([str(python.with_name("mlflow")), "server", *stores, *served], environment)


@contextmanager
def running(side: Side) -> Iterator[Running]:
    """Start a server in a process group of its own, wait for its first answer, and end it afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    filled = {name: value.format(port=port) for name, value in side.environment.items()}
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(
            [part.format(port=port) for part in side.command],
            cwd=ROOT,
            env=os.environ | filled,
            start_new_session=True,
            stdout=output,
            stderr=output,
        )
        try:
            _wait(port, process)
            yield Running(port, time.perf_counter() - began, psutil.Process(process.pid))
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


class Client:
    """One connection that is kept, and JSON over it: the same for both sides."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def post(self, call: str, body: Mapping[str, object]) -> dict[str, Any]:
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", f"/api/2.0/mlflow/{call}", content, headers)
        return self._answer(call)

    def get(self, call: str, query: str) -> dict[str, Any]:
        self._connection.request("GET", f"/api/2.0/mlflow/{call}?{query}")
        return self._answer(call)

    def close(self) -> None:
        self._connection.close()

    def _answer(self, call: str) -> dict[str, Any]:
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != OK:
            raise RuntimeError(f"{call}: {answer.status} {body[:500]!r}")
        return json.loads(body)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        client = Client(port)
        try:
            client.post("experiments/search", {"max_results": 1})
        except (OSError, http.client.HTTPException):
            time.sleep(0.005)
        else:
            return
        finally:
            client.close()
    raise RuntimeError("the server never answered")
