"""Lineage: from a prediction to its version, and from a version or run to code, data, features and environment."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from loopwright.clock import isoformat
from loopwright.columns import Array, Columns, length, moments, take
from loopwright.definitions.model import Model
from loopwright.definitions.project import Project
from loopwright.errors import NotFoundError
from loopwright.ports import Lake, Platform
from loopwright.ports.lake import Between, Selection
from pipelines.origin import Origin, Tracing
from pipelines.training.snapshot import labels_table, predictions_table

Plain = float | str | None
"""A value for people: a number, a text, a time as RFC 3339 text; None where there is none."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One logged answer of one arm, and the label that came for it.

    `values` are the inputs and features as they were served, `ages` the seconds of each view's row at that moment.
    """

    prediction_id: str
    model: str
    version: int
    arm: str
    predicted: str
    score: float
    prediction: str
    latency_ms: float
    values: Mapping[str, Plain]
    ages: Mapping[str, Plain]
    label: Plain
    labeled: str | None


@dataclass(frozen=True, slots=True)
class PredictionLineage:
    """A prediction's answers, the caller's first, each with its model's origin."""

    answers: tuple[tuple[Answer, Origin], ...]


def lineage(platform: Platform, project: Project, subject: str) -> Origin | PredictionLineage:
    """Return the lineage of `model/number`, `model@alias`, a run's id or a prediction's id.

    Raises:
        NotFoundError: there is nothing of that name.
    """
    tracing = Tracing(platform)
    if "/" in subject or "@" in subject:
        return tracing.version(subject)
    try:
        return tracing.origin(tracing.tracking.run(subject))
    except NotFoundError:
        answers = [answer for model in project.models for answer in _answers(platform.lake, model, subject)]
    if not answers:
        raise NotFoundError(f"there is no run and no logged prediction {subject!r}: give an id, or <model>/<version>")
    return PredictionLineage(tuple((answer, tracing.version(f"{answer.model}/{answer.version}")) for answer in answers))


_LOG = ("prediction_id", "predicted_at", "arm", "model_version", "score", "prediction", "latency_ms")
_ARMS = ("champion", "canary", "shadow")


def _answers(lake: Lake, model: Model, prediction_id: str) -> list[Answer]:
    table = predictions_table(model)
    if lake.version(table) is None:
        return []
    ids = lake.read_columns(table, Selection(("prediction_id", "predicted_at")))
    at = moments(ids["predicted_at"][ids["prediction_id"] == prediction_id])
    if not len(at):
        return []
    # Half a second on both sides spares the reader most files and forgives any rounding.
    where = (Between("predicted_at", float(at.min()) - 0.5, float(at.max()) + 0.5),)
    rows = lake.read_columns(table, Selection(where=where))
    found = take(rows, (rows["prediction_id"] == prediction_id).astype(np.bool_))
    label, labeled = _label(lake, model, prediction_id)
    by_arm = {str(found["arm"][row]): _answer(model, found, row, label, labeled) for row in range(length(found))}
    return [by_arm[arm] for arm in _ARMS if arm in by_arm]


def _answer(model: Model, rows: Columns, row: int, label: Plain, labeled: str | None) -> Answer:
    ages = {name.removesuffix("__age"): _plain(rows[name], row) for name in rows if name.endswith("__age")}
    values = {name: _plain(rows[name], row) for name in rows if name not in _LOG and not name.endswith("__age")}
    return Answer(
        prediction_id=str(rows["prediction_id"][row]),
        model=model.name,
        version=int(rows["model_version"][row]),
        arm=str(rows["arm"][row]),
        predicted=isoformat(float(moments(rows["predicted_at"])[row])),
        score=float(rows["score"][row]),
        prediction=str(rows["prediction"][row]),
        latency_ms=float(rows["latency_ms"][row]) if "latency_ms" in rows else float("nan"),
        values=values,
        ages=ages,
        label=label,
        labeled=labeled,
    )


def _label(lake: Lake, model: Model, prediction_id: str) -> tuple[Plain, str | None]:
    table = labels_table(model)
    if lake.version(table) is None:
        return None, None
    rows = lake.read_columns(table, Selection(("prediction_id", "label", "labeled_at")))
    mine = take(rows, (rows["prediction_id"] == prediction_id).astype(np.bool_))
    if not length(mine):
        return None, None
    newest = int(np.argmax(mine["labeled_at"]))
    return _plain(mine["label"], newest), isoformat(float(moments(mine["labeled_at"])[newest]))


def _plain(column: Array, row: int) -> Plain:
    if column.dtype == object:
        return str(column[row]) or None
    if column.dtype.kind == "M":
        at = float(moments(column)[row])
        return None if np.isnan(at) else isoformat(at)
    value = float(column[row])
    return None if np.isnan(value) else value
