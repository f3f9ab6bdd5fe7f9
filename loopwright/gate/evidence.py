"""What the gate judges."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from loopwright.columns import Array, Columns
from loopwright.metrics import Answers


@dataclass(frozen=True, slots=True, eq=False)
class Opponent:
    """The champion, on the candidate's held-out rows.

    Attributes:
        version: its number in the registry.
        answers: what it answered for the same rows; None: it could not score them.
        unable: why it could not, in words, such as `feature weather__gust is gone`.
        schema: its input columns and their types, in order; empty: not known.
    """

    version: int
    answers: Answers | None
    unable: str = ""
    schema: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a candidate showed on held-out rows that it was not trained on.

    Attributes:
        target: the truth [n]. Binary: float 0 and 1; regression: float; multiclass: object of str.
        candidate: its answers for the same rows.
        champion: the champion on the same rows; None: the model has no champion yet.
        columns: the held-out rows' columns, at least those that the gate's slices name.
        schema: the candidate's input columns and their types, in the order in which it takes them.
        latency_ms: of one row through the exported model, median.
        size_bytes: of the exported model.
    """

    target: Array
    candidate: Answers
    champion: Opponent | None
    columns: Columns
    schema: Mapping[str, str]
    latency_ms: float
    size_bytes: int
