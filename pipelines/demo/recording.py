"""What a demonstration lives through: tables of the past, then what happens, in the order of time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Final

from loopwright.columns import Columns, DType

_DAY: Final = 86_400.0

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Moment:
    """What happens at one moment: features that become known, labels that land, cases that ask for a prediction."""

    at: float
    features: Mapping[str, Sequence[Row]]
    labels: Sequence[Row]
    cases: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows for a lake table, and the types of its columns where the arrays do not say them."""

    rows: Columns
    schema: Mapping[str, DType]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recorded stretch of time.

    Attributes:
        model: whose predictions are asked for.
        start: the moment at which the model is trained first, on `past` alone.
        end: the moment at which the replay stops.
        past: lake tables as they were at `start`.
        moments: what happens from `start` on, in the order of time; read once.
    """

    model: str
    start: float
    end: float
    past: Mapping[str, Table]
    moments: Iterator[Moment]

    def until(self, days: int | None) -> "Recording":
        """Return the recording's first days; None: all of it."""
        if days is None:
            return self
        end = min(self.end, self.start + days * _DAY)
        return replace(self, end=end, moments=takewhile(lambda moment: moment.at <= end, self.moments))
