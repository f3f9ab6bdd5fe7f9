"""Windows of prediction time: counts that add up, so that hours merge into days and days into weeks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, Self, TypeVar

import msgspec
import numpy as np

from loopwright.clock import isoformat, parse_time
from loopwright.errors import IntegrityError

LATENCY_EDGES: Final = tuple(float(edge) for edge in np.round(np.geomspace(0.1, 60_000.0, 60), 3))
"""Milliseconds: 60 edges, each a quarter above the one before."""

AGE_EDGES: Final = (60.0, 300.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0, 43200.0, 86400.0, 259200.0, 604800.0)
"""Seconds, from a minute to a week."""

ALL_VERSIONS: Final = 0
"""Stands for every model version together; real versions count from 1."""


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """Where a row counts: the window's start (a moment), the arm, the model version."""

    start: float
    arm: str
    version: int

    @property
    def sort(self) -> str:
        """The slot as a part of a sort key, in the order of time."""
        return f"{isoformat(self.start)}/{self.arm}/{self.version:08d}"

    @classmethod
    def parse(cls, sort: str) -> Self:
        """Return the slot whose `sort` this is, after any prefix that ends in a slash."""
        start, arm, version = sort.rsplit("/", 3)[-3:]
        return cls(parse_time(start), arm, int(version))


@dataclass(frozen=True, slots=True)
class FeatureCounts:
    """One column in one window: rows by bin, nulls, rows out of the valid range, least and greatest number."""

    bins: tuple[int, ...]
    nulls: int
    out_of_range: int = 0
    low: float | None = None
    high: float | None = None

    def merged(self, other: Self) -> Self:
        """Return the counts of both."""
        return type(self)(
            bins=_sum(self.bins, other.bins),
            nulls=self.nulls + other.nulls,
            out_of_range=self.out_of_range + other.out_of_range,
            low=min((low for low in (self.low, other.low) if low is not None), default=None),
            high=max((high for high in (self.high, other.high) if high is not None), default=None),
        )


@dataclass(frozen=True, slots=True)
class AgeCounts:
    """How old a view's rows were when they were served: rows by `AGE_EDGES`, rows not found, rows over their TTL."""

    bins: tuple[int, ...]
    missing: int
    stale: int

    def merged(self, other: Self) -> Self:
        """Return the counts of both."""
        return type(self)(_sum(self.bins, other.bins), self.missing + other.missing, self.stale + other.stale)

    @property
    def stale_share(self) -> float:
        """The share of rows for which no fresh row was found."""
        rows = sum(self.bins) + self.missing
        return (self.missing + self.stale) / rows if rows else 0.0


@dataclass(frozen=True, slots=True)
class WindowCounts:
    """Everything that is counted of the predictions of one slot.

    Attributes:
        rows: predictions, repeats dropped.
        latency: rows by `LATENCY_EDGES`.
        scores: rows by the profile's score bins; empty without a profile.
        classes: rows by predicted class; empty for regression.
        features: by name; empty without a profile.
        ages: by view.
    """

    rows: int
    latency: tuple[int, ...]
    scores: tuple[int, ...] = ()
    classes: tuple[int, ...] = ()
    features: Mapping[str, FeatureCounts] = field(default_factory=dict)
    ages: Mapping[str, AgeCounts] = field(default_factory=dict)

    def merged(self, other: Self) -> Self:
        """Return the counts of both windows, which are of the same model version."""
        return type(self)(
            rows=self.rows + other.rows,
            latency=_sum(self.latency, other.latency),
            scores=_sum(self.scores, other.scores),
            classes=_sum(self.classes, other.classes),
            features=_each_merged(self.features, other.features),
            ages=_each_merged(self.ages, other.ages),
        )

    def encode(self) -> bytes:
        """Return the counts as MessagePack."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Return the counts, or raise `IntegrityError`."""
        try:
            return msgspec.msgpack.decode(data, type=cls)
        except msgspec.MsgspecError as error:
            raise IntegrityError(f"a stored window is not what was written: {error}") from error


class _Mergeable(Protocol):
    def merged(self, other: Self) -> Self: ...


_M = TypeVar("_M", bound=_Mergeable)


def merge(parts: Iterable[WindowCounts]) -> WindowCounts | None:
    """Return the counts of all parts, which are of the same model version; None where there are no parts."""
    merged: WindowCounts | None = None
    for part in parts:
        merged = part if merged is None else merged.merged(part)
    return merged


def quantile(counts: Iterable[int], edges: tuple[float, ...], share: float) -> float | None:
    """Return the quantile of what was counted between edges, linear inside a bin; None without any count.

    What is above the last edge counts as the last edge.
    """
    numbers = np.asarray(tuple(counts), dtype=np.float64)
    total = numbers.sum()
    if not total:
        return None
    cumulative = np.concatenate([[0.0], np.cumsum(numbers)])
    bounds = np.asarray([0.0, *edges, edges[-1]])
    place = int(np.searchsorted(cumulative, share * total, side="left")) or 1
    inside = (share * total - cumulative[place - 1]) / max(numbers[place - 1], 1.0)
    return float(bounds[place - 1] + inside * (bounds[place] - bounds[place - 1]))


def _sum(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    """Return the sums; an empty tuple stands for zeros."""
    if not first or not second:
        return first or second
    return tuple(map(int.__add__, first, second))


def _each_merged(first: Mapping[str, _M], second: Mapping[str, _M]) -> dict[str, _M]:
    both = {name: one.merged(second[name]) if name in second else one for name, one in first.items()}
    return both | {name: one for name, one in second.items() if name not in first}
