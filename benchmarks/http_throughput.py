"""Predictions over HTTP, one server process each, beside `mlflow models serve` on the same estimator.

Ours is `functions.up` with its worker: it looks features up, validates, logs, and collects the log meanwhile. MLflow
serves the scikit-learn pipeline as its users log and ask it: its `sklearn` flavour, without a signature to enforce,
and `dataframe_split`. The promise is about that. It also serves the ONNX file that our export made, by its `onnx`
flavour and bare tensors, which is the fastest that it can be asked; that is shown without a promise.
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
PROMISED = ("sklearn", 8)
SECONDS = 5.0
ROUNDS = 3
PATIENCE = 120.0
MLFLOW = ("mlflow", "msgspec", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn")


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


def mlflow_sklearn(prepared: Prepared) -> Server:
    names = [*SENT, *FOUND]
    names.remove("customer_id")
    row = {**SENT, **FOUND}
    content = {"dataframe_split": {"columns": names, "data": [[row[name] for name in names]]}}
    return _mlflow(prepared, "sklearn", prepared.rows, content)


def mlflow_onnx(prepared: Prepared) -> Server:
    tensors = {name: [[value]] for name, value in {**SENT, **FOUND}.items() if name != "customer_id"}
    return _mlflow(prepared, "onnx", prepared.model, {"inputs": tensors})


def _mlflow(prepared: Prepared, flavour: str, source: Path, content: Mapping[str, object]) -> Server:
    python, folder = python_with(*MLFLOW), prepared.settings.home / f"mlflow-{flavour}"
    converter = ROOT / "benchmarks" / "peers" / "mlflow_model.py"
    path = {"PYTHONPATH": str(ROOT)}
    convert = [python, converter, flavour, source, folder]
    # Somewhere else than in our project, whose requirements MLflow would take for the model's.
    done = subprocess.run(convert, cwd=prepared.settings.home, env=os.environ | path, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    body = prepared.settings.home / f"mlflow-{flavour}.body"
    body.write_text(json.dumps(content))
    command = [str(python.with_name("mlflow")), "models", "serve", "--model-uri", str(folder), "--port", "{port}"]
    environment = {"PATH": f"{python.parent}:{os.environ['PATH']}", "MLFLOW_DISABLE_TELEMETRY": "true"}
    return Server([*command, "--env-manager", "local"], environment | path, "/invocations", body, "/ping")


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
        servers = {"ours": ours(prepared), "sklearn": mlflow_sklearn(prepared), "onnx": mlflow_onnx(prepared)}
        for _ in range(ROUNDS):
            for name, server in servers.items():
                with running(server) as port:
                    rate(server, port, 1)
                    for connections in CONNECTIONS:
                        rates.setdefault((name, connections), []).append(rate(server, port, connections))
    found = {key: statistics.median(values) for key, values in rates.items()}
    results = [_result(found, flavour, connections) for flavour in ("sklearn", "onnx") for connections in CONNECTIONS]
    print_results(f"predictions over HTTP, median of {ROUNDS} runs", results, peer="mlflow models serve")


def _result(found: Mapping[tuple[str, int], float], flavour: str, connections: int) -> Result:
    mine, theirs = found["ours", connections], found[flavour, connections]
    return Result(
        f"{flavour} flavour, {connections} connections: {mine:,.0f} against {theirs:,.0f} requests a second",
        1e3 / mine,
        1e3 / theirs,
        "ms a request",
        TimesBetter(20) if (flavour, connections) == PROMISED else None,
    )


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
