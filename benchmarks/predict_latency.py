"""One prediction through the in-process application, beside a bare FastAPI + ONNX Runtime endpoint.

Ours checks 17 fields, looks four features up, scores, and logs; the peer is sent all 20 features and only scores.
"""

import statistics
import tempfile
from pathlib import Path

from benchmarks.report import AtMost, Result, print_results
from benchmarks.serving.sides import fastapi, ours
from benchmarks.serving.world import prepare

ROUNDS = 5
CALLS = "3000"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(Path(folder))
        sides = (ours(prepared), fastapi(prepared, aws=False))
        rounds = [[float(side.run(CALLS)) for side in sides] for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(one[side] for one in rounds) for side in (0, 1))
    print_results(
        f"one prediction of 20 mixed features in process, median of {ROUNDS} × {CALLS} calls through Mangum",
        [Result("lookup + validation + score + log, against score alone", mine, theirs, "µs", AtMost(2.5))],
        peer="bare FastAPI + ONNX Runtime",
    )


if __name__ == "__main__":
    main()
