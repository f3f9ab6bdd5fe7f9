"""A fresh process to its first prediction through the handler, beside FastAPI + Mangum + ONNX Runtime + boto3."""

import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.report import AtMost, Result, print_results
from benchmarks.serving.sides import ONE_THREAD, Side, fastapi, ours
from benchmarks.serving.world import prepare

ROUNDS = 15


def first_answer(side: Side) -> float:
    """Return the milliseconds from the start of the process to its first answer."""
    environment = os.environ | ONE_THREAD | side.environment
    started = time.perf_counter()
    with subprocess.Popen(side.command("first"), env=environment, stdout=subprocess.PIPE, text=True) as process:
        answer = process.stdout.readline() if process.stdout else ""
        elapsed = time.perf_counter() - started
    if "score" not in answer:
        raise RuntimeError(f"{side.module} gave no answer")
    return elapsed * 1e3


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(Path(folder))
        sides = (ours(prepared), fastapi(prepared, aws=True), fastapi(prepared, aws=False))
        for side in sides:
            side.run("first")  # compiles what was not compiled yet
        rounds = [[first_answer(side) for side in sides] for _ in range(ROUNDS)]
    mine, with_aws, without = (statistics.median(one[side] for one in rounds) for side in range(3))
    print_results(
        f"fresh process to first prediction, median of {ROUNDS} processes each, in turn",
        [
            Result("against FastAPI + Mangum + ONNX Runtime + boto3", mine, with_aws, "ms", AtMost(0.45)),
            Result("against the same without boto3", mine, without, "ms"),
        ],
        peer="peer",
    )


if __name__ == "__main__":
    main()
