"""Evidently's population stability index over the same rows as `benchmarks.drift`; prints the seconds it took.

It runs in an environment of its own: Evidently 0.7 does not import with pandas 3.
"""

import sys
import time

import numpy as np

FEATURES = 50
REFERENCE_ROWS, LIVE_ROWS = 1_000_000, 100_000


def reference(feature: int) -> np.ndarray:
    """Return the training's values of a feature; whoever asks gets the same."""
    return np.random.default_rng(feature).standard_normal(REFERENCE_ROWS)


def live(feature: int) -> np.ndarray:
    """Return the live values of a feature; every fifth has moved."""
    moved = 0.6 if feature % 5 == 0 else 0.0
    return np.random.default_rng(1_000 + feature).normal(moved, 1.0, LIVE_ROWS)


def main() -> None:
    import pandas as pd  # noqa: PLC0415 - the other side imports this file for its rows
    from evidently import Dataset, Report  # noqa: PLC0415
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    names = [f"f{feature}" for feature in range(FEATURES)]
    before = pd.DataFrame({name: reference(feature) for feature, name in enumerate(names)})
    now = pd.DataFrame({name: live(feature) for feature, name in enumerate(names)})
    began = time.perf_counter()
    report = Report([DataDriftPreset(columns=names, num_method="psi", num_threshold=0.2)])
    found = report.run(Dataset.from_pandas(now), Dataset.from_pandas(before)).dict()
    took = time.perf_counter() - began
    (share,) = [one["value"] for one in found["metrics"] if "DriftedColumnsCount" in one["metric_name"]]
    print(took, int(share["count"]))


if __name__ == "__main__":
    sys.exit(main())
