"""Functions and their peers as containers run them: a process that serves a port."""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from benchmarks.peers.environments import python_with
from benchmarks.serving.sides import ONE_THREAD, ROOT
from benchmarks.serving.world import FOUND, PATH, SENT, Prepared
from loopwright.settings import Settings

HOST = "127.0.0.1"
PATIENCE = 60.0
GOOGLE = ("google-cloud-firestore", "google-cloud-storage")
PEER = ("fastapi", *GOOGLE, "httptools", "numpy", "onnxruntime", "uvicorn", "uvloop")
PEERS = ROOT / "benchmarks" / "peers"


@dataclass(frozen=True)
class Container:
    """A command to which a port is added, its environment, and the row that it predicts."""

    command: Sequence[str]
    environment: Mapping[str, str]
    row: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Start:
    """Milliseconds from the start of a process until it listened and until its first answer; then its MiB of memory."""

    listening: float
    answered: float
    memory: float


def ours(settings: Settings, home: Path, role: Mapping[str, str] | None = None) -> Container:
    place = {**settings.to_env(), **(role or {})}
    environment = {"PYTHONPATH": str(ROOT), "LOOPWRIGHT_AUTH": "iam", **place, **_compiled(home)}
    command = [sys.executable, "-m", "functions.container", "predict", "--host", HOST, "--port"]
    return Container(command, environment, SENT)


def fastapi(prepared: Prepared, home: Path) -> Container:
    environment = {"PYTHONPATH": str(PEERS), "PEER_MODEL": str(prepared.model), **_compiled(home)}
    server = ["-m", "uvicorn", "fastapi_gcp:app", "--host", HOST, "--log-level", "warning", "--port"]
    command = [str(python_with(*PEER)), *server]
    return Container(command, environment, {**SENT, **FOUND})


def start(container: Container) -> Start:
    """Start a process, wait until it listens, and for its first answer."""
    with _running(container) as (process, port, begun, log):
        wait_for_port(process, port, log)
        listening = time.perf_counter() - begun
        ask(port, container.row)
        answered = time.perf_counter() - begun
        memory = psutil.Process(process.pid).memory_info().rss / 1024**2
    return Start(listening * 1e3, answered * 1e3, memory)


def imported(container: Container) -> set[str]:
    """Return the modules that a process has imported after its first answer, and the libraries that they are of."""
    program, *words = container.command
    timed = replace(container, command=[program, "-X", "importtime", *words])
    with _running(timed) as (process, port, _, log):
        wait_for_port(process, port, log)
        ask(port, container.row)
        process.terminate()
        process.wait()
        lines = [line for line in log.read_text().splitlines() if line.startswith("import time:")]
    names = {line.rpartition("|")[2].strip() for line in lines}
    return names | {name.partition(".")[0] for name in names}


def ask(port: int, row: Mapping[str, object]) -> None:
    with closing(http.client.HTTPConnection(HOST, port, timeout=PATIENCE)) as connection:
        connection.request("POST", PATH, json.dumps({"row": row}))
        answer = connection.getresponse()
        body = answer.read().decode()
    if answer.status != 200 or "score" not in body:
        raise RuntimeError(f"no answer: {answer.status} {body}")


def wait_for_port(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"it has ended: {log.read_text()}")
        with socket.socket() as caller:
            if caller.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.001)
    raise TimeoutError(f"it never listened: {log.read_text()}")


@contextmanager
def _running(container: Container) -> Iterator[tuple[subprocess.Popen[bytes], int, float, Path]]:
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    with tempfile.NamedTemporaryFile() as log:
        given = os.environ | ONE_THREAD | dict(container.environment)
        begun = time.perf_counter()
        with subprocess.Popen([*container.command, str(port)], env=given, stdout=log, stderr=log) as process:
            try:
                yield process, port, begun, Path(log.name)
            finally:
                process.kill()


def _compiled(home: Path) -> Mapping[str, str]:
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(home / "bytecode")}
