"""The tracking function beside `mlflow server`, both on SQLite: what a notebook's calls take.

They come one after another, and from four writers at once. The same script asks both, over kept connections and with
plain JSON, so that no client's own time is in it.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.report import AtMost, Result, TimesBetter, print_results
from benchmarks.serving.tracking import Client, Running, Side, mlflow, ours, place, running

RUNS = 200
WRITERS = 4
BATCHES = 50
PARAMS, METRICS = 20, 50


def main() -> None:
    with tempfile.TemporaryDirectory(dir=place()) as folder:
        sides = [measured(side) for side in (ours(Path(folder)), mlflow(Path(folder)))]
    mine, theirs = sides
    results = [Result(name, value, theirs[name][0], unit, bound) for name, (value, unit, bound) in mine.items()]
    print_results(f"tracking over HTTP on SQLite, median of {RUNS} runs", results, peer="mlflow server")


Measured = dict[str, tuple[float, str, AtMost | TimesBetter | None]]


def measured(side: Side) -> Measured:
    """Return what a side took, by name."""
    with running(side) as server:
        times = one_after_another(server)
        found: Measured = {
            name: (statistics.median(taken) * 1e3, "ms", TimesBetter(4) if name in PROMISED else None)
            for name, taken in times.items()
        }
        slowest, total = together(server)
        found[f"{WRITERS} writers, {WRITERS * BATCHES} batches"] = (total * 1e3, "ms", None)
        found[f"{WRITERS} writers, the slowest batch"] = (slowest * 1e3, "ms", None)
        found["memory afterwards"] = (server.memory(), "MB", TimesBetter(6))
        found["first answer after the start"] = (server.first_answer * 1e3, "ms", TimesBetter(10))
    return found


PROMISED = {"create_run", "log_batch", "get_run"}


def one_after_another(server: Running) -> dict[str, list[float]]:
    """Log runs as a notebook does, and return how long each call took."""
    times: dict[str, list[float]] = {}
    client = Client(server.port)

    def timed(name: str, call: Callable[[], dict[str, object]]) -> dict[str, object]:
        began = time.perf_counter()
        answer = call()
        times.setdefault(name, []).append(time.perf_counter() - began)
        return answer

    experiment = client.post("experiments/create", {"name": "one after another"})["experiment_id"]
    for number in range(RUNS):
        run = timed("create_run", partial(client.post, "runs/create", new_run(experiment)))
        run_id = run["run"]["info"]["run_id"]
        timed("log_batch", partial(client.post, "runs/log-batch", batch(run_id, number)))
        point = {"run_id": run_id, "key": "loss", "value": 0.5, "timestamp": now(), "step": number}
        timed("log_metric", partial(client.post, "runs/log-metric", point))
        timed("get_run", partial(client.get, "runs/get", f"run_id={run_id}"))
        end = {"run_id": run_id, "status": "FINISHED", "end_time": now()}
        timed("set_terminated", partial(client.post, "runs/update", end))
    client.close()
    return times


def together(server: Running) -> tuple[float, float]:
    """Let writers log to runs of their own at once; return the slowest batch's time and the whole, in seconds."""
    client = Client(server.port)
    experiment = client.post("experiments/create", {"name": "together"})["experiment_id"]
    runs = [client.post("runs/create", new_run(experiment))["run"]["info"]["run_id"] for _ in range(WRITERS)]
    client.close()

    def write(run_id: str) -> list[float]:
        own, taken = Client(server.port), []
        for number in range(BATCHES):
            began = time.perf_counter()
            own.post("runs/log-batch", batch(run_id, number, params=0))
            taken.append(time.perf_counter() - began)
        own.close()
        return taken

    began = time.perf_counter()
    with ThreadPoolExecutor(WRITERS) as pool:
        taken = [one for times in pool.map(write, runs) for one in times]
    return max(taken), time.perf_counter() - began


def new_run(experiment: object) -> dict[str, object]:
    tags = [{"key": "mlflow.user", "value": "ann"}, {"key": "mlflow.source.name", "value": "train.py"}]
    return {"experiment_id": experiment, "start_time": now(), "tags": tags}


def batch(run_id: str, number: int, *, params: int = PARAMS) -> dict[str, object]:
    return {
        "run_id": run_id,
        "params": [{"key": f"param_{one}", "value": f"value {one}"} for one in range(params)],
        "metrics": [
            {"key": f"metric_{one}", "value": one / 7 + number, "timestamp": now(), "step": number}
            for one in range(METRICS)
        ],
    }


def now() -> int:
    return int(time.time() * 1e3)


if __name__ == "__main__":
    main()
