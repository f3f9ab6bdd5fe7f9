"""The rows of a snapshot: past cases, and logged predictions with the labels that came for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from loopwright.columns import Array, Columns, concat, empty, length, take
from loopwright.definitions.features import Field
from loopwright.definitions.model import Model
from loopwright.errors import InvalidInputError
from loopwright.features.rules import check_rows
from loopwright.features.sources import check_source, check_types
from loopwright.ports import Lake
from loopwright.ports.lake import Between, Selection
from pipelines.frames import known_rows, target_of
from pipelines.training.snapshot import Snapshot, labels_table, predictions_table

TARGET = "label"
"""The column of the target; no field may have this name."""


@dataclass(frozen=True, slots=True)
class Validation:
    """What there is to learn from, in the time that training and holdout span: rows used, and those without a label."""

    rows: int
    feedback_rows: int
    without_label: int


class Cases:
    """The past cases and the feedback of snapshots; what was read last is kept, for two steps of a training need it."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self._last: tuple[Model, Snapshot, tuple[Columns, Columns]] | None = None

    def of(self, model: Model, snapshot: Snapshot) -> tuple[Columns, Columns]:
        """Return past cases and feedback since the training window began, rows without a label among them."""
        if self._last is None or self._last[:2] != (model, snapshot):
            self._last = model, snapshot, _recent(self.lake, model, snapshot)
        return self._last[2]


def validate(cases: Cases, model: Model, snapshot: Snapshot) -> Validation:
    """Check every table of a snapshot against the definitions, and count.

    Raises:
        InvalidInputError: a table does not fit its definition, or its rows break the rules of their fields; every
            problem is named.
    """
    for view in model.views:
        check_source(cases.lake, view, version=snapshot.versions[view.source])
    past, feedback = cases.of(model, snapshot)
    rows = _together(model, past, feedback)
    usable = _usable(model, rows)
    check_rows(model.inputs, usable, where=f"the training rows of {model.name!r}")
    return Validation(length(usable), length(feedback), length(rows) - length(usable))


def training_rows(cases: Cases, model: Model, snapshot: Snapshot) -> dict[str, Array]:
    """Return the labelled rows that training and holdout span, in an order that follows from the rows alone.

    The columns are the model's inputs, its event time, and the target as `label`.

    Raises:
        InvalidInputError: there are none.
    """
    return _in_order(model, _usable(model, _together(model, *cases.of(model, snapshot))))


def _together(model: Model, past: Columns, feedback: Columns) -> Columns:
    if not length(past) and not length(feedback):
        raise InvalidInputError(
            f"model {model.name!r}: the snapshot has no row from before its moment: "
            f"correct {model.event_time!r} where it lies in the future, or append past cases"
        )
    return concat([part for part in (past, feedback) if length(part)])


def _usable(model: Model, rows: Columns) -> dict[str, Array]:
    usable = take(rows, known_rows(rows[TARGET]))
    if not length(usable):
        raise InvalidInputError(
            f"model {model.name!r}: no row has both a label and an event time: append such cases, or wait for labels"
        )
    return usable


def _recent(lake: Lake, model: Model, snapshot: Snapshot) -> tuple[Columns, Columns]:
    """Return past cases and feedback since the training window began, rows without a label among them.

    The window is counted back from the newest labelled row, which is not known beforehand: labels lag behind. So a
    holdout's time more is read; only where the lag is longer than that everything is.
    """
    span = _span(model)
    if span is None:
        return _read(lake, model, snapshot, None)
    low = snapshot.at - (span + model.holdout).total_seconds()
    parts = _read(lake, model, snapshot, low)
    if (began := _begin(model, parts, span)) is None or began < np.datetime64(round(low * 1e6), "us"):
        parts = _read(lake, model, snapshot, None)
        began = _begin(model, parts, span)
    if began is None:
        return parts
    past, feedback = (take(part, np.asarray(part[model.event_time] > began)) if part else part for part in parts)
    return past, feedback


def _span(model: Model) -> timedelta | None:
    return None if model.training_window is None else model.training_window + model.holdout


def _begin(model: Model, parts: tuple[Columns, Columns], span: timedelta) -> np.datetime64 | None:
    """Return the moment after which rows are trained on or held out; None: no row has a label."""
    known = [part[model.event_time][known_rows(part[TARGET])] for part in parts if part]
    newest = max((at.max() for at in known if len(at)), default=None)
    return None if newest is None else newest - _micros(span)


def _micros(span: timedelta) -> np.timedelta64:
    return np.timedelta64(round(span.total_seconds() * 1e6), "us")


def _read(lake: Lake, model: Model, snapshot: Snapshot, low: float | None) -> tuple[Columns, Columns]:
    return _past_cases(lake, model, snapshot, low), _feedback(lake, model, snapshot, low)


def _past_cases(lake: Lake, model: Model, snapshot: Snapshot, low: float | None) -> Columns:
    table = model.observations
    version = snapshot.versions.get(table)
    if version is None:
        return {}
    schema = lake.schema(table, version=version)
    wanted = {field.name: field.dtype for field in model.inputs} | {model.event_time: "time"}
    check_types(wanted, schema, table=table)
    if model.label.name not in schema:
        raise InvalidInputError(
            f"table {table!r}: the label's column {model.label.name!r} is missing; there are {', '.join(schema)}"
        )
    columns = (*wanted, *(() if model.label.name in wanted else (model.label.name,)))
    # The moment itself does not belong to the past.
    where = (Between(model.event_time, low, snapshot.at),)
    rows = lake.read_columns(table, Selection(columns, where), version=version)
    return {name: rows[name] for name in wanted} | {TARGET: target_of(model, rows[model.label.name])}


def _feedback(lake: Lake, model: Model, snapshot: Snapshot, low: float | None) -> Columns:
    predictions, labels = predictions_table(model), labels_table(model)
    if predictions not in snapshot.versions or labels not in snapshot.versions:
        return {}
    logged = _logged(lake, model, snapshot.versions[predictions], Between("predicted_at", low, snapshot.at))
    ids = pd.Index(logged["prediction_id"])
    known = _newest_labels(lake, labels, snapshot.versions[labels], snapshot.at, ids)
    places = pd.Index(known["prediction_id"]).get_indexer(ids)
    labelled = take(logged, places >= 0)
    target = target_of(model, known["label"][places[places >= 0]])
    rows = {field.name: _column(labelled, field) for field in model.inputs}
    return rows | {model.event_time: labelled["predicted_at"], TARGET: target}


def _logged(lake: Lake, model: Model, version: int, when: Between) -> dict[str, Array]:
    """Return each prediction that answered a caller, once; columns that its time did not have are missing."""
    table = predictions_table(model)
    schema = lake.schema(table, version=version)
    inputs = tuple(field.name for field in model.inputs if schema.get(field.name) == field.dtype)
    columns = ("prediction_id", "predicted_at", "arm", *inputs)
    rows = lake.read_columns(table, Selection(columns, (when,)), version=version)
    answered = (rows["arm"] == "champion") | (rows["arm"] == "canary")
    order = np.argsort(rows["predicted_at"], kind="stable")
    order = order[answered[order]]
    first = ~pd.Series(rows["prediction_id"][order]).duplicated().to_numpy()
    return take(rows, order[first])


def _newest_labels(lake: Lake, table: str, version: int, at: float, ids: "pd.Index[str]") -> dict[str, Array]:
    """Return of each prediction among `ids` the label that came last."""
    columns = ("prediction_id", "label", "labeled_at", "received_at")
    # A label is known from its moment on, so one of that very moment counts.
    where = (Between("labeled_at", high=np.nextafter(at, np.inf)),)
    rows = lake.read_columns(table, Selection(columns, where), version=version)
    rows = take(rows, pd.Index(rows["prediction_id"]).isin(ids))
    order = np.lexsort((_codes(rows["label"]), rows["received_at"], rows["labeled_at"]))
    last = ~pd.Series(rows["prediction_id"][order]).duplicated(keep="last").to_numpy()
    return take(rows, order[last])


def _column(rows: Columns, field: Field) -> Array:
    return rows[field.name] if field.name in rows else empty(field.dtype, length(rows))


def _in_order(model: Model, rows: Columns) -> dict[str, Array]:
    """Sort by time, then by everything else: a lake promises no order, but the same rows must give the same model."""
    others: Sequence[str] = [name for name in rows if name != model.event_time]
    keys: list[NDArray[np.generic]] = [_codes(rows[name]) for name in reversed(others)]
    return take(rows, np.lexsort([*keys, rows[model.event_time]]))


def _codes(column: Array) -> NDArray[np.generic]:
    return pd.factorize(column, sort=True)[0] if column.dtype == object else column


def split_rows(model: Model, columns: Columns) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows train and which are held out: the newest `holdout`, and before it the training window.

    Raises:
        InvalidInputError: one of the two has no rows, or a class to tell apart is missing from the training rows.
    """
    at = columns[model.event_time]
    cut = at.max() - _micros(model.holdout)
    held_out = at > cut
    trained = ~held_out
    if model.training_window is not None:
        trained &= at > cut - _micros(model.training_window)
    if not trained.any():
        raise InvalidInputError(
            f"model {model.name!r}: all {length(columns):,} rows are within the newest {model.holdout}, "
            "which is held out: append older cases, or make `holdout` shorter"
        )
    if model.task != "regression" and len(pd.unique(columns[TARGET][trained])) < 2:  # noqa: PLR2004
        raise InvalidInputError(f"model {model.name!r}: all training rows have the same label; there is no difference")
    return trained, held_out
