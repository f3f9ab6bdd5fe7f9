"""Drift of 100k live rows of 50 features against a training of 1M rows: ours, a loop over scipy, and Evidently 0.7.

Ours reads the stored profile, bins the live rows, and computes PSI, KL, Jensen–Shannon and Kolmogorov–Smirnov with
p-values. The loop over scipy has the raw reference in memory and computes PSI, Jensen–Shannon and Kolmogorov–Smirnov.
Evidently has it too and computes PSI alone. All see the same rows and must name the same drifted features.
"""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

from benchmarks.peers.environments import python_with
from benchmarks.peers.evidently_drift import FEATURES, LIVE_ROWS, live, reference
from benchmarks.report import Result, TimesBetter, print_results
from loopwright import Drift, Entity, Field, Gate, Label, Model
from loopwright.monitoring.drift import compare
from loopwright.monitoring.profiles import Profile, build_profile

NAMES = tuple(f"f{feature}" for feature in range(FEATURES))
RULE = Drift()
PEER = Path(__file__).parent / "peers" / "evidently_drift.py"

MODEL = Model(
    name="model",
    task="regression",
    entity=Entity("thing", (Field("thing_id", "string"),)),
    label=Label("label"),
    observations="things",
    request=tuple(Field(name) for name in NAMES),
    features=NAMES,
    train=lambda _rows, _target, _context: None,
    gate=Gate("rmse"),
)

Values = dict[str, np.ndarray]


def ours(stored: bytes, now: Values) -> int:
    profile = Profile.from_json(stored)
    counts = {name: one.bins.count(now[name])[:-1] for name, one in profile.features.items()}
    return len(compare(profile, counts, RULE, rows=LIVE_ROWS, features=NAMES).drifted_features)


def from_counts(stored: bytes, counts: dict[str, np.ndarray]) -> int:
    return len(compare(Profile.from_json(stored), counts, RULE, rows=LIVE_ROWS, features=NAMES).drifted_features)


def scipy_loop(before: Values, now: Values) -> int:
    drifted = 0
    for name in NAMES:
        edges = np.quantile(before[name], np.linspace(0, 1, 21))
        edges[0], edges[-1] = -np.inf, np.inf
        q = np.histogram(before[name], edges)[0] / len(before[name])
        p = np.histogram(now[name], edges)[0] / len(now[name])
        p, q = np.clip(p, 1e-6, None), np.clip(q, 1e-6, None)
        psi = float(np.sum((p - q) * np.log(p / q)))
        jensenshannon(p, q, base=2)
        found = stats.ks_2samp(before[name], now[name])
        drifted += psi >= RULE.threshold and found.pvalue <= RULE.significance
    return drifted


def evidently() -> tuple[float, int]:
    """Return the seconds that Evidently took, and how many features it found to have drifted."""
    command = [python_with("evidently==0.7.*", "pandas<3"), PEER]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **threads})
    took, drifted = done.stdout.split()[-2:]
    return float(took), int(drifted)


def best(call: Callable[[], int], rounds: int) -> tuple[float, int]:
    """Return the least seconds of some rounds, and the result."""
    times = []
    found = 0
    for _ in range(rounds):
        began = time.perf_counter()
        found = call()
        times.append(time.perf_counter() - began)
    return min(times), found


def measure() -> tuple[float, float, float]:
    """Return the seconds of ours, of ours with the rows counted already, and of scipy."""
    before = {name: reference(feature) for feature, name in enumerate(NAMES)}
    now = {name: live(feature) for feature, name in enumerate(NAMES)}
    profile = build_profile(MODEL, before, scores=np.arange(100.0), target=np.arange(100.0))
    stored = profile.to_json()
    counts = {name: one.bins.count(now[name])[:-1] for name, one in profile.features.items()}
    mine, found = best(lambda: ours(stored, now), 5)
    counted, _ = best(lambda: from_counts(stored, counts), 5)
    loop, loop_found = best(lambda: scipy_loop(before, now), 2)
    print(f"a stored profile of {len(stored):,} bytes; drifted features: ours {found}, scipy {loop_found}")
    return mine, counted, loop


def main() -> None:
    mine, counted, loop = measure()
    other, other_found = evidently()
    print(f"drifted features: Evidently {other_found}")
    results = [
        Result("50 features × 100k rows, beside scipy", mine, loop, "s", TimesBetter(30)),
        Result("50 features × 100k rows, beside Evidently", mine, other, "s", TimesBetter(200)),
        Result("windows that are counted already, beside scipy", counted, loop, "s"),
    ]
    print_results("Drift from a stored profile of 1M rows", results, peer="peer")


if __name__ == "__main__":
    main()
