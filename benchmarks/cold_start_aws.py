"""Cold starts of deployed functions under Lambda's own runtime: ours beside two that are built as tutorials do.

A start is a fresh process of an interpreter that finds only the function's package and the runtime. It is ready when
it asks for its first call, and has answered when the answer has arrived. Ours has then read registry, model and
features from a local AWS and queued the prediction there; the peers have read a file.
"""

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import AtMost, Below, Result, print_results
from benchmarks.serving.deployed import Deployed, Sizes, copied_to_aws, fastapi, ours, scikit
from benchmarks.serving.world import prepare
from tests.clouds.aws import moto, throwaway
from tests.clouds.lambda_runtime import copy_runtime

ROUNDS = 11
CALLS = 200
MIB = 1024 * 1024
PEERS = (("FastAPI + Mangum + ONNX Runtime + boto3", 0.45), ("FastAPI + Mangum + scikit-learn + boto3", 0.25))


@dataclass(frozen=True, slots=True)
class Start:
    """Milliseconds from the start of a process: until it was ready, and until its first answer."""

    ready: float
    answered: float


def start(side: Deployed) -> Start:
    """Start a process and wait for its first answer."""
    with side.start() as function:
        ready = function.ready()
        answer = function.call(side.event)
        _check(answer.payload)
        return Start(ready * 1e3, (ready + answer.seconds) * 1e3)


def warm(side: Deployed) -> float:
    """Return the median milliseconds of a call to a process that has answered some."""
    with side.start() as function:
        seconds = [function.call(side.event).seconds for _ in range(CALLS)]
    return statistics.median(seconds[CALLS // 4 :]) * 1e3


def median(starts: list[Start]) -> Start:
    """Return the medians of both."""
    return Start(statistics.median(one.ready for one in starts), statistics.median(one.answered for one in starts))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, throwaway(moto(), ()) as place:
        home = Path(folder)
        prepared = prepare(home / "local")
        runtime = copy_runtime(home / "runtime")
        settings = copied_to_aws(prepared.settings, place)
        made = (ours(settings, runtime, home), fastapi(prepared, runtime, home), scikit(prepared, runtime, home))
        sides = [side for side, _ in made]
        for side in sides:
            start(side)  # compiles what was not compiled yet
        rounds = [[start(side) for side in sides] for _ in range(ROUNDS)]
        calls = [warm(side) for side in sides]
    starts = [median([one[side] for one in rounds]) for side in range(len(sides))]
    for peer, name, bound in (
        (1, "FastAPI + Mangum + ONNX Runtime + boto3", 0.45),
        (2, "the same with scikit-learn", 0.25),
    ):
        _report(name, bound, [starts[0], starts[peer]], [calls[0], calls[peer]], [made[0][1], made[peer][1]])


def _report(name: str, bound: float, starts: list[Start], calls: list[float], sizes: list[Sizes]) -> None:
    (mine, theirs), (my_call, their_call), (my_size, their_size) = starts, calls, sizes
    results = [
        Result("start to first answer", mine.answered, theirs.answered, "ms", AtMost(bound)),
        Result("start to ready", mine.ready, theirs.ready, "ms", AtMost(bound)),
        Result("warm call", my_call, their_call, "ms"),
        Result("package unzipped", my_size.unzipped / MIB, their_size.unzipped / MIB, "MiB", Below(100)),
        Result("package zipped", my_size.zipped / MIB, their_size.zipped / MIB, "MiB"),
    ]
    print_results(f"on Lambda, beside {name}; medians of {ROUNDS} processes in turn", results, peer="peer")


def _check(payload: dict[str, object]) -> None:
    if payload.get("statusCode") != 200 or "score" not in str(payload.get("body")):
        raise RuntimeError(f"no answer: {payload}")


if __name__ == "__main__":
    main()
