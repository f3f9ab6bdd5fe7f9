"""Predictions over HTTP, one server process each, beside `mlflow models serve` on the same ONNX model.

Ours is `functions.up` with its worker: it looks features up, validates, logs, and collects the log meanwhile.
"""

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.environments import python_with
from benchmarks.report import Result, TimesBetter, print_results
from benchmarks.serving.sides import ONE_THREAD, ROOT
from benchmarks.serving.world import FOUND, PATH, SENT, Prepared, prepare

CONNECTIONS = (1, 8)
SECONDS = 5.0
ROUNDS = 3
PATIENCE = 120.0
MLFLOW = ("mlflow", "numpy", "onnx", "onnxruntime", "pandas")


@dataclass(frozen=True)
class Server:
    """A server's command with `{port}` to fill in, and one request."""

    command: list[str]
    environment: Mapping[str, str]
    path: str
    body: Path
    health: str


def ours(prepared: Prepared) -> Server:
    body = prepared.settings.home / "ours.body"
    body.write_text(json.dumps({"row": SENT}))
    command = [sys.executable, "-m", "functions.up", "--port", "{port}"]
    return Server(command, prepared.settings.to_env(), PATH, body, "/health")


def mlflow(prepared: Prepared) -> Server:
    python, folder = python_with(*MLFLOW), prepared.settings.home / "mlflow"
    converter = ROOT / "benchmarks" / "peers" / "mlflow_model.py"
    subprocess.run([python, converter, prepared.model, folder], check=True, capture_output=True)
    tensors = {name: [[value]] for name, value in {**SENT, **FOUND}.items() if name != "customer_id"}
    body = prepared.settings.home / "mlflow.body"
    body.write_text(json.dumps({"inputs": tensors}))
    command = [str(python.with_name("mlflow")), "models", "serve", "--model-uri", str(folder), "--port", "{port}"]
    environment = {"PATH": f"{python.parent}:{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return Server([*command, "--env-manager", "local"], environment, "/invocations", body, "/ping")


@contextmanager
def running(server: Server) -> Iterator[int]:
    """Start the server in a process group of its own and yield its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [part.format(port=port) for part in server.command]
    environment = os.environ | ONE_THREAD | server.environment
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, start_new_session=True, stdout=output, stderr=output
        )
        try:
            _wait(f"http://127.0.0.1:{port}{server.health}", process)
            yield port
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def rate(server: Server, port: int, connections: int) -> float:
    """Return answered requests a second, asked for by another process."""
    load = [sys.executable, "-m", "benchmarks.serving.load", "127.0.0.1", str(port), server.path, str(server.body)]
    done = subprocess.run([*load, str(connections), str(SECONDS)], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(Path(folder))
        rates: dict[tuple[str, int], list[float]] = {}
        servers = {"ours": ours(prepared), "mlflow": mlflow(prepared)}
        for _ in range(ROUNDS):
            for name, server in servers.items():
                with running(server) as port:
                    rate(server, port, 1)
                    for connections in CONNECTIONS:
                        rates.setdefault((name, connections), []).append(rate(server, port, connections))
    found = {key: statistics.median(values) for key, values in rates.items()}
    results = [
        Result(
            f"{connections} connections: {found['ours', connections]:,.0f} against "
            f"{found['mlflow', connections]:,.0f} requests a second",
            1e3 / found["ours", connections],
            1e3 / found["mlflow", connections],
            "ms a request",
            TimesBetter(20) if connections > 1 else None,
        )
        for connections in CONNECTIONS
    ]
    print_results(f"predictions over HTTP, median of {ROUNDS} runs", results, peer="mlflow models serve")


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"{url} never answered")


if __name__ == "__main__":
    main()
