"""The truth, when it arrives: checked against the model's task, then on its way into `labels/<model>`.

Columns: prediction_id, label (float for binary and regression, text for multiclass), labeled_at (when the truth was
known), received_at.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np

from loopwright.columns import Array, DType, moments, times
from loopwright.definitions import Field, Model, Project
from loopwright.errors import InvalidInputError
from loopwright.features.values import WANTED, convert, is_valid, objects
from loopwright.ports import Platform
from loopwright.serving.identity import LONGEST_ID
from loopwright.serving.log import LABELS_QUEUE, Entry, encode, labels_table

_NUMBER: Final = Field("number")
_MOMENT: Final = Field("moment", "time")

AHEAD: Final = 86_400.0
"""How many seconds a label's moment may be ahead of this clock: clocks and zones differ, by less than a day.

The newest moment of an id counts, so one far ahead could never be corrected.
"""


class LabelRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prediction's id, its true label, and when that was known: RFC 3339 text or seconds; None: now."""

    id: str
    label: bool | int | float | str
    at: str | float | None = None


class Labels:
    """Takes labels for every model of the project."""

    def __init__(self, platform: Platform, project: Project) -> None:
        self._platform = platform
        self._project = project

    def accept(self, model_name: str, rows: Sequence[LabelRow]) -> int:
        """Send the labels on their way and return how many; the newest `at` of an id counts, repeats change nothing.

        Raises:
            NotFoundError: the project has no such model.
            InvalidInputError: some do not fit; all problems are named and none was taken.
            UnavailableError: the queue does not take them now; none was taken.
        """
        model = self._project.model(model_name)
        if not rows:
            raise InvalidInputError("there are no labels: send at least one")
        now = self._platform.clock()
        known = convert(_MOMENT, [now if row.at is None else row.at for row in rows])
        labels = [_label(model, row.label) for row in rows]
        fit = known is not None and not (moments(known) > now + AHEAD).any() and None not in labels
        if known is None or not fit or not all(1 <= len(row.id) <= LONGEST_ID for row in rows):
            problems = (problem for number, row in enumerate(rows) for problem in _problems(number, row, model, now))
            raise InvalidInputError("the labels do not fit", tuple(problems))
        self._platform.queue.send(LABELS_QUEUE, encode(_entry(model, rows, labels, known, now)))
        return len(rows)


def _problems(number: int, row: LabelRow, model: Model, now: float) -> Iterator[str]:
    if not 1 <= len(row.id) <= LONGEST_ID:
        yield f"label {number}, id: wanted a text of 1 to {LONGEST_ID} characters"
    if _label(model, row.label) is None:
        yield f"label {number}, label: wanted {_wanted(model)}, got {row.label!r:.80}"
    at = convert(_MOMENT, [now if row.at is None else row.at])
    if at is None:
        yield f"label {number}, at: wanted {WANTED['time']}, got {row.at!r:.80}"
    elif moments(at)[0] > now + AHEAD:
        yield f"label {number}, at: {row.at!r:.80} is to come; a label tells of what has happened"


def _label(model: Model, value: float | str) -> float | str | None:
    """Return the label as it is stored, or None where it does not fit the task."""
    match model.task:
        case "binary":
            if isinstance(value, str):
                return 1.0 if value == model.label.positive else None
            return float(value) if value in {0, 1} else None
        case "regression":
            return float(value) if not isinstance(value, str) and is_valid(_NUMBER, value) else None
        case "multiclass":
            return str(value) if value != "" and not isinstance(value, bool | float) else None


def _wanted(model: Model) -> str:
    match model.task:
        case "binary":
            positive = f" or {model.label.positive!r}" if model.label.positive else ""
            return f"0, 1, false, true{positive}"
        case "regression":
            return WANTED["float"]
        case "multiclass":
            return "a class: a text or a whole number"


def _entry(
    model: Model, rows: Sequence[LabelRow], labels: Sequence[float | str | None], known: Array, now: float
) -> Entry:
    text = model.task == "multiclass"
    types: dict[str, DType] = {
        "prediction_id": "string",
        "label": "string" if text else "float",
        "labeled_at": "time",
        "received_at": "time",
    }
    columns = {
        "prediction_id": objects([row.id for row in rows]),
        "label": objects(labels) if text else np.array(labels, dtype=np.float64),
        "labeled_at": known,
        "received_at": times([now] * len(rows)),
    }
    return Entry(labels_table(model.name), types, columns)
