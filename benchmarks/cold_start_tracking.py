"""Cold starts of what speaks MLflow under Lambda's own runtime, beside our own package that predicts.

A start is a fresh process of an interpreter that finds only the function's package and the runtime. It is ready when
it asks for its first call, and has answered when the answer has arrived: an experiment by its name, from a local AWS.
"""

import statistics
import tempfile
from pathlib import Path

from benchmarks.cold_start_aws import MIB, ROUNDS, Start, median, warm
from benchmarks.report import AtMost, Below, Result, print_results
from benchmarks.serving.deployed import Deployed, copied_to_aws, ours, tracking
from benchmarks.serving.world import prepare
from tests.clouds.aws import moto, throwaway
from tests.clouds.lambda_runtime import copy_runtime

BOUND = AtMost(1.5)


def start(side: Deployed, wanted: str) -> Start:
    """Start a process and wait for its first answer, in which something must be found."""
    with side.start() as function:
        ready = function.ready()
        answer = function.call(side.event)
    if answer.payload.get("statusCode") != 200 or wanted not in str(answer.payload.get("body")):
        raise RuntimeError(f"no answer: {answer.payload}")
    return Start(ready * 1e3, (ready + answer.seconds) * 1e3)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, throwaway(moto(), ()) as place:
        home = Path(folder)
        settings = copied_to_aws(prepare(home / "local").settings, place)
        runtime = copy_runtime(home / "runtime")
        (mine, size), (predicts, other_size) = tracking(settings, runtime, home), ours(settings, runtime, home)
        both = ((mine, "Default"), (predicts, "score"))
        for side, wanted in both:
            start(side, wanted)  # compiles what was not compiled yet
        rounds = [[start(side, wanted) for side, wanted in both] for _ in range(ROUNDS)]
        calls = [warm(side) for side, _ in both]
    tracks, serves = (median([one[side] for one in rounds]) for side in range(2))
    spread = statistics.quantiles([one[0].answered for one in rounds], n=4)
    print_results(
        f"MLflow's protocol on Lambda, beside our predict; medians of {ROUNDS} processes in turn",
        [
            Result("start to first answer", tracks.answered, serves.answered, "ms", BOUND),
            Result("start to ready", tracks.ready, serves.ready, "ms", BOUND),
            Result("warm call", calls[0], calls[1], "ms"),
            Result("package unzipped", size.unzipped / MIB, other_size.unzipped / MIB, "MiB", Below(60)),
            Result("package zipped", size.zipped / MIB, other_size.zipped / MIB, "MiB"),
        ],
        peer="predict",
    )
    print(f"half of the starts took {spread[0]:.0f} to {spread[2]:.0f} ms")


if __name__ == "__main__":
    main()
