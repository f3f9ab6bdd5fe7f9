"""Predictions joined with the newest truth that is known of each, from the lake."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array, Columns, empty, length, moments, take
from loopwright.definitions.model import Model
from loopwright.monitoring.newcomers import first_of_each, labels_table, predictions_table
from loopwright.ports.lake import Between, Lake, Selection

_DAY = 86_400.0

_PREDICTION = ("prediction_id", "predicted_at", "arm", "model_version", "score")
_LABEL = ("prediction_id", "label", "labeled_at", "received_at")


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Predictions, each once, with their truth.

    Attributes:
        rows: the columns of the log that performance needs, in the order of `predicted_at`.
        predicted_at: moments.
        label: the truth; NaN or "" where there is none.
        known: where there is one.
    """

    rows: Columns
    predicted_at: NDArray[np.float64]
    label: Array
    known: NDArray[np.bool_]

    def between(self, low: float, high: float) -> "Labelled":
        """Return the predictions made in [low, high)."""
        first, last = np.searchsorted(self.predicted_at, [low, high])
        return self.where(slice(int(first), int(last)))

    def where(self, chosen: NDArray[np.bool_] | slice) -> "Labelled":
        """Return the chosen predictions."""
        return Labelled(take(self.rows, chosen), self.predicted_at[chosen], self.label[chosen], self.known[chosen])


def read_predictions(lake: Lake, model: Model, *, version: int, low: float | None) -> Columns:
    """Return the predictions made since `low`, each once, in the order of time; with the class where it matters."""
    where = (Between("predicted_at", low),) if low is not None else ()
    columns = (*_PREDICTION, "prediction") if model.task == "multiclass" else _PREDICTION
    rows = lake.read_columns(predictions_table(model.name), Selection(columns, where), version=version)
    at = moments(rows["predicted_at"])
    order = np.argsort(at, kind="stable")
    rows = take(rows, order[~np.isnan(at[order])])
    return take(rows, first_of_each(rows))


def join_labels(lake: Lake, model: Model, rows: Columns, *, version: int | None) -> Labelled:
    """Return the predictions with their truth: of an id's labels the one with the newest `labeled_at`.

    A label that says it was known longer than the label's horizon after the prediction is not scored, nor is one that
    was known more than a day before it: that was no prediction.
    """
    predicted_at = moments(rows["predicted_at"])
    label = empty("string" if model.task == "multiclass" else "float", len(predicted_at))
    known = np.zeros(len(predicted_at), dtype=np.bool_)
    if version is None or not len(predicted_at):
        return Labelled(rows, predicted_at, label, known)
    horizon = model.label.horizon.total_seconds()
    where = (Between("labeled_at", float(predicted_at[0]) - _DAY, float(predicted_at[-1]) + horizon + 1.0),)
    labels = lake.read_columns(labels_table(model.name), Selection(_LABEL, where), version=version)
    ids = rows["prediction_id"].tolist()
    codes: dict[str, int] = dict(zip(ids, range(len(ids)), strict=True))
    places = np.fromiter(map(codes.__getitem__, ids), dtype=np.intp, count=len(ids))
    chosen, to = _newest(labels, codes, predicted_at, horizon)
    label[to] = labels["label"][chosen]
    known[to] = True
    return Labelled(rows, predicted_at, label[places], known[places])


def _newest(
    labels: Columns, codes: dict[str, int], predicted_at: NDArray[np.float64], horizon: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which labels count, and to which prediction each belongs; of one prediction's, the newest comes last."""
    order = np.lexsort((labels["received_at"].astype(np.int64), labels["labeled_at"].astype(np.int64)))
    found = map(codes.get, labels["prediction_id"][order].tolist(), repeat(-1))
    to = np.fromiter(found, dtype=np.intp, count=len(order))
    value = labels["label"][order]
    filled = value != "" if value.dtype == object else ~np.isnan(value.astype(np.float64))
    late = moments(labels["labeled_at"])[order] - predicted_at[to]
    chosen = (to >= 0) & filled & (late >= -_DAY) & (late <= horizon)
    return order[chosen], to[chosen]


def windows_of_labels(rows: Columns, ids: Sequence[str]) -> tuple[NDArray[np.float64], bool]:
    """Return when the predictions with these ids were made, and whether all ids were found."""
    wanted = set(ids)
    hit = np.fromiter(map(wanted.__contains__, rows["prediction_id"].tolist()), dtype=np.bool_, count=length(rows))
    found = set(rows["prediction_id"][hit].tolist())
    return moments(rows["predicted_at"][hit]), len(found) == len(wanted)
