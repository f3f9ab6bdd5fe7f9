"""Cold starts of the predict service as Cloud Run starts it, beside a plain peer and beside our own Lambda package.

A start is a fresh process, `python -m functions.container predict`; it is over when the first answer has arrived. Ours
has then read registry, model and features from a local Google and queued the prediction there; the peer, FastAPI +
uvicorn with clients of Storage and Firestore, has read a file. Beside the Lambda package both sides read from a local
AWS: what is served from a container costs a server more, and nothing else.
"""

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.cold_start_aws import start as start_on_lambda
from benchmarks.report import AtMost, Result, print_results
from benchmarks.serving.containers import Start, fastapi, imported, ours, start
from benchmarks.serving.deployed import ROLE, copied_to_aws, copied_to_google
from benchmarks.serving.deployed import ours as ours_on_lambda
from benchmarks.serving.world import prepare
from tests.clouds.aws import moto, throwaway
from tests.clouds.google.throwaway import throwaway as throwaway_on_google
from tests.clouds.google.world import SERVICES, google
from tests.clouds.lambda_runtime import copy_runtime

ROUNDS = 11
HEAVY = {
    "boto3", "botocore", "cryptography", "deltalake", "duckdb", "fastapi", "google", "grpc", "jwt", "mangum", "mlflow",
    "onnx", "pandas", "pydantic", "requests", "scipy", "skl2onnx", "sklearn", "skops", "starlette", "vertexai",
}  # fmt: skip
PEER = "FastAPI + uvicorn + ONNX Runtime + google-cloud-storage + google-cloud-firestore"


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        throwaway(moto(), ()) as place,
        throwaway_on_google(google(*SERVICES), ()) as google_place,
    ):
        home = Path(folder)
        prepared = prepare(home / "local")
        on_aws = copied_to_aws(prepared.settings, place)
        on_google = copied_to_google(prepared.settings, google_place)
        sides = (ours(on_google, home), fastapi(prepared, home), ours(on_aws, home, ROLE))
        function, _ = ours_on_lambda(on_aws, copy_runtime(home / "runtime"), home)
        for side in sides:
            start(side)  # compiles what was not compiled yet
        start_on_lambda(function)
        rounds = [([start(side) for side in sides], start_on_lambda(function)) for _ in range(ROUNDS)]
        heavy = HEAVY & imported(sides[0])
        theirs = HEAVY & imported(sides[1])
    mine, peer, mine_on_aws = ([one[side] for one, _ in rounds] for side in range(3))
    print_results(
        f"a container on a local Google, beside {PEER}; medians of {ROUNDS} processes in turn",
        [
            Result("start to first answer", _answered(mine), _answered(peer), "ms", AtMost(0.6)),
            Result("start to listening", _listening(mine), _listening(peer), "ms", AtMost(0.6)),
            Result("memory after it", _memory(mine), _memory(peer), "MiB"),
        ],
        peer="peer",
    )
    on_lambda = statistics.median(one.answered for _, one in rounds)
    ready = statistics.median(one.ready for _, one in rounds)
    print_results(
        f"a container beside our Lambda package, both on a local AWS; medians of {ROUNDS} processes in turn",
        [
            Result("start to first answer", _answered(mine_on_aws), on_lambda, "ms"),
            Result("start to listening, to ready", _listening(mine_on_aws), ready, "ms"),
        ],
        peer="Lambda",
    )
    print(f"heavy modules after the first answer: ours {_told(heavy)}; the peer {_told(theirs)}")


def _told(modules: set[str]) -> str:
    return ", ".join(sorted(modules)) or "none"


def _answered(starts: Sequence[Start]) -> float:
    return statistics.median(one.answered for one in starts)


def _listening(starts: Sequence[Start]) -> float:
    return statistics.median(one.listening for one in starts)


def _memory(starts: Sequence[Start]) -> float:
    return statistics.median(one.memory for one in starts)


if __name__ == "__main__":
    main()
