"""A fresh process to its first prediction through the handler, beside FastAPI + Mangum + ONNX Runtime + boto3."""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import AtMost, Result, print_results
from benchmarks.serving.sides import ONE_THREAD, Side, fastapi, ours
from benchmarks.serving.world import prepare

ROUNDS = 15


@dataclass(frozen=True, slots=True)
class Start:
    """What a process took: milliseconds from its start to its first answer, and of processor time until its end."""

    wall: float
    processor: float


def start(side: Side) -> Start:
    """Start a process, wait for its first answer and for its end."""
    environment = os.environ | ONE_THREAD | side.environment
    started = time.perf_counter()
    with subprocess.Popen(side.command("first"), env=environment, stdout=subprocess.PIPE, text=True) as process:
        answer = process.stdout.readline() if process.stdout else ""
        elapsed = time.perf_counter() - started
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if "score" not in answer:
        raise RuntimeError(f"{side.module} gave no answer")
    return Start(elapsed * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(Path(folder))
        sides = (ours(prepared), fastapi(prepared, aws=True), fastapi(prepared, aws=False))
        for side in sides:
            side.run("first")  # compiles what was not compiled yet
        rounds = [[start(side) for side in sides] for _ in range(ROUNDS)]
    mine, with_aws, without = ([one[side] for one in rounds] for side in range(3))
    peer = "FastAPI + Mangum + ONNX Runtime"
    print_results(
        f"fresh process to first prediction, median of {ROUNDS} processes each, in turn",
        [
            Result(f"against {peer} + boto3", _wall(mine), _wall(with_aws), "ms", AtMost(0.45)),
            Result("the same in processor time", _processor(mine), _processor(with_aws), "ms"),
            Result(f"against {peer}", _wall(mine), _wall(without), "ms"),
        ],
        peer="peer",
    )


def _wall(starts: Sequence[Start]) -> float:
    return statistics.median(one.wall for one in starts)


def _processor(starts: Sequence[Start]) -> float:
    return statistics.median(one.processor for one in starts)


if __name__ == "__main__":
    main()
