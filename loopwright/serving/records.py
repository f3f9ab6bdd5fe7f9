"""One row of `predictions/<model>` for every row and arm that was scored.

Columns: prediction_id, predicted_at, arm, model_version, score, prediction, latency_ms; `<view>__age`, the seconds
between the event time of the features served and the prediction (NaN: none were found); then the model's inputs, the
views' features and the model's features, each under its own name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array, Columns, DType, take
from loopwright.definitions import Model
from loopwright.features.values import objects
from loopwright.serving.answers import Arm
from loopwright.serving.log import Entry, predictions_table

_OWN: Final[Mapping[str, DType]] = {
    "prediction_id": "string",
    "predicted_at": "time",
    "arm": "string",
    "model_version": "int",
    "score": "float",
    "prediction": "string",
    "latency_ms": "float",
}


@dataclass(frozen=True, slots=True)
class Scored:
    """What one arm said about some of the rows: `rows` are their positions, None means all of them."""

    arm: Arm
    version: int
    rows: NDArray[np.intp] | None
    scores: NDArray[np.float64]
    predictions: NDArray[np.object_]
    latency_ms: float


def logged_types(model: Model) -> dict[str, DType]:
    """Return the columns of the model's log of predictions and their types, in order."""
    ages: dict[str, DType] = {f"{view.name}__age": "float" for view in model.views}
    looked_up = [one for view in model.views for one in view.features]
    fields = (*model.inputs, *looked_up, *model.feature_fields)
    return {**_OWN, **ages, **{one.name: one.dtype for one in fields}}


class Recorder:
    """Makes the log's entries for one model."""

    def __init__(self, model: Model) -> None:
        self._table = predictions_table(model.name)
        self._types = logged_types(model)
        self._views = [(view.name, f"{view.name}__age") for view in model.views]
        self._data = [name for name in self._types if name not in _OWN and not name.endswith("__age")]
        self._data.append("event_time")

    def entry(
        self, scored: Scored, ids: Sequence[str], columns: Columns, ages: Mapping[str, NDArray[np.float64]]
    ) -> Entry:
        """Return the entry for what one arm scored; `columns` and `ages` hold all rows of the request."""
        data: dict[str, Array] = {column: ages[view] for view, column in self._views}
        data.update([(name, columns[name]) for name in self._data])
        if scored.rows is not None:
            data = take(data, scored.rows)
            ids = [ids[row] for row in scored.rows.tolist()]
        count = len(ids)
        own: dict[str, Array] = {
            "prediction_id": objects(ids),
            "predicted_at": data.pop("event_time"),
            "arm": objects([scored.arm] * count),
            "model_version": _all(scored.version, count),
            "score": scored.scores,
            "prediction": scored.predictions,
            "latency_ms": _all(scored.latency_ms, count),
        }
        return Entry(self._table, self._types, own | data)


def _all(value: float, count: int) -> NDArray[np.float64]:
    column = np.empty(count)
    column.fill(value)  # a third of the cost of `np.full`, which counts for a single row
    return column
