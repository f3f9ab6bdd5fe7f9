"""Search over 5,000 runs of one experiment, beside `mlflow server` on SQLite."""

import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.report import Result, TimesBetter, print_results
from benchmarks.serving.tracking import Client, Running, Side, mlflow, ours, place, running

RUNS = 5_000
WRITERS = 4
ROUNDS = 30
PARAMS, METRICS = 20, 10
FILTER = "metrics.auc > 0.8 and params.model = 'rf'"
ASKED: Mapping[str, Mapping[str, object]] = {
    "filtered, newest first": {"filter": FILTER},
    "filtered, best first": {"filter": FILTER, "order_by": ["metrics.auc DESC"]},
    "all, newest first": {},
}


def main() -> None:
    with tempfile.TemporaryDirectory(dir=place()) as folder:
        mine, theirs = [measured(side) for side in (ours(Path(folder)), mlflow(Path(folder)))]
    if [found for _, found in mine.values()] != [found for _, found in theirs.values()]:
        raise RuntimeError("the two sides find different runs")
    results = [
        Result(name, took * 1e3, theirs[name][0] * 1e3, "ms", TimesBetter(4)) for name, (took, _) in mine.items()
    ]
    title = (
        f"search over {RUNS:,} runs with {PARAMS} params and {METRICS} metrics, first page of 100, median of {ROUNDS}"
    )
    print_results(title, results, peer="mlflow server")


def measured(side: Side) -> dict[str, tuple[float, list[str]]]:
    """Return the median seconds of each search, and the names of the runs that it found."""
    with running(side) as server:
        experiment = filled(server)
        client = Client(server.port)
        found = {}
        for name, asked in ASKED.items():
            body = {"experiment_ids": [experiment], "max_results": 100, **asked}
            answer = client.post("runs/search", body)
            names = [one["info"]["run_name"] for one in answer["runs"]]
            search = partial(client.post, "runs/search", body)
            found[name] = (statistics.median(_timed(search) for _ in range(ROUNDS)), names)
        client.close()
    return found


def filled(server: Running) -> object:
    """Make the experiment and its runs, whose starts are a second apart; return its identity."""
    client = Client(server.port)
    experiment = client.post("experiments/create", {"name": "many"})["experiment_id"]
    client.close()

    def write(numbers: range) -> None:
        own = Client(server.port)
        for number in numbers:
            made = own.post("runs/create", _run(experiment, number))
            run_id = made["run"]["info"]["run_id"]
            own.post("runs/log-batch", {"run_id": run_id, **_entries(number)})
        own.close()

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, [range(first, RUNS, WRITERS) for first in range(WRITERS)]))
    return experiment


def _run(experiment: object, number: int) -> dict[str, object]:
    started = 1_700_000_000_000 + number * 1_000
    return {"experiment_id": experiment, "start_time": started, "run_name": f"run {number}"}


def _entries(number: int) -> dict[str, object]:
    params = {"model": ("rf", "gbm", "lr")[number % 3], **{f"param_{one}": str(one) for one in range(PARAMS - 1)}}
    metrics = {"auc": (number * 7919 % RUNS) / RUNS, **{f"metric_{one}": one / 7 for one in range(METRICS - 1)}}
    return {
        "params": [{"key": key, "value": value} for key, value in params.items()],
        "metrics": [
            {"key": key, "value": value, "timestamp": 1_700_000_000_000, "step": 0} for key, value in metrics.items()
        ],
    }


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
