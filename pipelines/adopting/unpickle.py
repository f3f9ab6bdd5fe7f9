"""Opens a pickle in a process that has nothing: `python unpickle.py predict_proba '["a", "b"]'`, in its folder.

It stands alone: it imports nothing of ours. The pickle and the rows are files of the folder; what it makes of them, a
skops file, the model's own answers for the rows and a report, is written beside them. The last argument is the order
of the columns where the model does not know its own.
"""

import json
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io

PICKLE = "model.pkl"
ROWS = "rows.npz"
SKOPS = "model.skops"
ANSWERS = "answers.npy"
REPORT = "report.json"


def main(wanted: str, order: Sequence[str]) -> None:
    """Convert the model of this folder."""
    error = ""
    try:
        _convert(wanted, order)
    except Exception as caught:  # noqa: BLE001 - whatever a pickle does, it is told in words
        error = f"{type(caught).__name__}: {caught}"[:1_000]
    Path(REPORT).write_text(json.dumps({"error": error}), encoding="utf-8")


def _convert(wanted: str, order: Sequence[str]) -> None:
    with Path(PICKLE).open("rb") as file:
        # A person has said that they trust it; this process has nothing that it could give away.
        found = pickle.load(file)  # noqa: S301
    # Of a search what answers is the best that it has found.
    model = getattr(found, "best_estimator_", found)
    Path(SKOPS).write_bytes(skops.io.dumps(model))
    with np.load(ROWS, allow_pickle=False) as arrays:
        columns = {name: _column(arrays[name]) for name in arrays.files}
    names = [str(name) for name in getattr(model, "feature_names_in_", order)] or list(columns)
    np.save(
        ANSWERS,
        np.asarray(getattr(model, wanted)(pd.DataFrame({name: columns[name] for name in names})), dtype=np.float64),
        allow_pickle=False,
    )


def _column(values: np.ndarray) -> pd.Series:
    return pd.Series(values.tolist(), dtype="str") if values.dtype.kind == "U" else pd.Series(values)


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
