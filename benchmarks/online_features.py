"""Online read of 20 features for 100 entities from SQLite, beside Feast on SQLite.

Feast wants an older pandas than ours, so it runs in an environment of its own, which uv makes and keeps in its cache.
Both are asked again and again for the same entities; the figures are medians.
"""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from adapters import open_platform
from benchmarks.report import Result, TimesBetter, print_results
from loopwright.columns import Columns, times
from loopwright.definitions import Entity, FeatureView, Field
from loopwright.features.online import OnlineStore
from loopwright.settings import Settings

ENTITIES, STORED, FEATURES, ROUNDS = 100, 1_000, 20, 300
FEAST = "feast==0.67.0"

VIEW = FeatureView(
    "customers",
    Entity("customer", (Field("customer", dtype="int"),)),
    tuple(Field(f"f{number}") for number in range(FEATURES)),
)


def ours() -> dict[int, float]:
    """Return the median microseconds of a read, by how many entities were asked for."""
    with tempfile.TemporaryDirectory() as folder:
        platform = open_platform(Settings(home=Path(folder)))
        store = OnlineStore(platform.table)
        store.write(VIEW, _rows())
        figures = {count: _median(store, {"customer": np.arange(float(count))}) for count in (ENTITIES, 1)}
        platform.close()
    return figures


def feast() -> dict[int, float] | None:
    """Return Feast's figures, measured in its own environment; None where uv cannot make one."""
    uv = shutil.which("uv") or shutil.which("uv", path=".tools/bin")
    if uv is None:
        return None
    peer = Path(__file__).parent / "peers" / "feast_online.py"
    with tempfile.TemporaryDirectory() as folder:
        command = [uv, "run", "--quiet", "--no-project", "--with", FEAST, "python", str(peer), folder]
        environment = os.environ | {"FEAST_USAGE": "False"}
        run = subprocess.run(
            [*command, str(ENTITIES), str(ROUNDS // 3)], capture_output=True, text=True, check=False, env=environment
        )
    if run.returncode:
        print(run.stderr[-500:])
        return None
    return {int(count): figure for count, figure in json.loads(run.stdout.splitlines()[-1]).items()}


def _rows() -> Columns:
    columns: dict[str, np.ndarray] = {field.name: np.full(STORED, float(n)) for n, field in enumerate(VIEW.features)}
    return {"customer": np.arange(float(STORED)), "event_time": times(np.full(STORED, time.time())), **columns}


def _median(store: OnlineStore, keys: Columns) -> float:
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        found = store.read(VIEW, keys)
        seconds.append(time.perf_counter() - started)
    if not (found.columns["f19"] == 19.0).all():
        raise AssertionError("the store did not find what was written")
    return statistics.median(seconds) * 1e6


def main() -> None:
    mine, peer = ours(), feast()
    if peer is None:
        print("Feast could not be installed here: ours only")
    print_results(
        f"online read of {FEATURES} features, median",
        [
            Result(
                f"{count} {'entities' if count > 1 else 'entity'}",
                mine[count],
                peer[count] if peer else None,
                "µs",
                TimesBetter(10) if count > 1 else None,
            )
            for count in (ENTITIES, 1)
        ],
        peer="Feast on SQLite",
    )


if __name__ == "__main__":
    main()
