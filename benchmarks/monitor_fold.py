"""The monitor folds 1M and 2M new predictions of 30 features from the local lake, each in a process of its own.

Also once more with a label for every prediction. The log is written before the clock starts. Of several runs the
quickest counts. Both clocks are shown, the wall's and the processor's: on an idle machine they say the same, on a busy
one the wall's says how busy it is, so how the time grows with the rows is told by the processor's.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

from adapters import open_platform
from benchmarks.report import AtMost, Below, Result, print_results
from loopwright import Entity, Field, Gate, Label, Model, Monitors, Performance, Project
from loopwright.columns import Columns, times
from loopwright.monitoring import PROFILE_FILE, Monitor, build_profile
from loopwright.ports import Platform
from loopwright.registry import Lineage, NewVersion, Registry
from loopwright.settings import Settings

NUMBERS = tuple(f"number_{place}" for place in range(24))
TEXTS = tuple(f"text_{place}" for place in range(6))
BATCH = 100_000
DAYS = 7
DAY = 86_400.0
START = 15_706 * DAY
NOW = START + 30 * DAY
RUNS = 3

MODEL = Model(
    name="delays",
    task="binary",
    entity=Entity("flight", (Field("flight_id", "string"),)),
    label=Label("late"),
    observations="flights",
    request=(*(Field(name, minimum=-9.0) for name in NUMBERS), *(Field(name, "string") for name in TEXTS)),
    features=(*NUMBERS, *TEXTS),
    train=lambda _rows, _target, _context: None,
    gate=Gate("roc_auc"),
    monitors=Monitors(performance=Performance("roc_auc", window=timedelta(days=3))),
)


def batch(number: int, rows: int) -> Columns:
    chance = np.random.default_rng(number)
    score = chance.random(rows)
    columns: Columns = {
        "prediction_id": np.array([f"{number:08x}{place:024x}" for place in range(rows)], dtype=object),
        "predicted_at": times(START + chance.random(rows) * DAYS * DAY),
        "arm": np.full(rows, "champion", dtype=object),
        "model_version": np.ones(rows),
        "score": score,
        "prediction": np.where(score >= 0.5, "1", "0").astype(object),
        "latency_ms": chance.exponential(5.0, rows),
        "flight_id": np.array([f"f{place}" for place in range(rows)], dtype=object),
    }
    numbers = {name: chance.standard_normal(rows) for name in NUMBERS}
    words = np.array([f"word {place}" for place in range(40)], dtype=object)
    return {**columns, **numbers, **{name: words[chance.integers(0, 40, rows)] for name in TEXTS}}


def prepare(platform: Platform, rows: int, *, labelled: bool) -> None:
    training = batch(999_999, BATCH)
    target = (training["score"].astype(np.float64) > 0.5).astype(np.float64)
    profile = build_profile(MODEL, training, scores=training["score"].astype(np.float64), target=target)
    platform.blobs.put(f"runs/1/artifacts/model/{PROFILE_FILE}", profile.to_json())
    new = NewVersion(
        model=MODEL.name,
        run_id="1",
        source="runs/1/artifacts/model",
        digest="",
        features_digest="",
        lineage=Lineage("", False, "", (), {}, ""),
    )
    Registry(platform.table, clock=platform.clock, new_id=platform.new_id).register(new)
    for number in range(rows // BATCH):
        logged = batch(number, BATCH)
        platform.lake.append(f"predictions/{MODEL.name}", logged, schema={"model_version": "int"})
        if labelled:
            at = logged["predicted_at"] + np.timedelta64(5, "h")
            label = (logged["score"].astype(np.float64) + np.random.default_rng(number).normal(0, 0.3, BATCH)) > 0.5
            truth: Columns = {
                "prediction_id": logged["prediction_id"],
                "label": label.astype(np.float64),
                "labeled_at": at,
                "received_at": at,
            }
            platform.lake.append(f"labels/{MODEL.name}", truth)


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds by the wall's clock and by the processor's."""

    wall: float
    processor: float


def measured(rows: int, *, labelled: bool = False) -> Took:
    """Return the least that a run of the monitor takes over so many new rows, each run in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "logged"
        platform = open_platform(Settings(home=home))
        prepare(platform, rows, labelled=labelled)
        platform.close()
        runs = [run(home, Path(folder) / "run", rows) for _ in range(RUNS)]
    return Took(min(took.wall for took in runs), min(took.processor for took in runs))


def run(home: Path, copy: Path, rows: int) -> Took:
    shutil.copytree(home, copy)
    command = [sys.executable, "-m", "benchmarks.monitor_fold", str(copy)]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **threads})
    shutil.rmtree(copy)
    counted, wall, processor = done.stdout.split()
    if int(counted) != rows:
        raise AssertionError(f"{counted} of {rows} rows were counted")
    return Took(float(wall), float(processor))


def fold(home: Path) -> None:
    platform = open_platform(Settings(home=home))
    monitor = Monitor(platform, Project("air", (MODEL,)))
    began, busy = time.perf_counter(), time.process_time()
    report = monitor.run(MODEL.name, now=NOW)
    print(report.rows, time.perf_counter() - began, time.process_time() - busy)


def main() -> None:
    one, two = measured(1_000_000), measured(2_000_000)
    with_labels = measured(1_000_000, labelled=True)
    results = [
        Result("fold 1M predictions, 30 features: wall", one.wall, None, "s", Below(6.0)),
        Result("the same: processor", one.processor, None, "s", Below(6.0)),
        Result("fold 2M, beside 1M: wall", two.wall, one.wall, "s"),
        Result("the same: processor", two.processor, one.processor, "s", AtMost(2.2)),
        Result("fold 1M predictions with 1M labels: processor", with_labels.processor, one.processor, "s"),
    ]
    print_results("The monitor's fold", results, peer="half the rows")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        fold(Path(sys.argv[1]))
    else:
        main()
