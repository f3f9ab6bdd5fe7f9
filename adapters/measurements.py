"""Measurements gathered in memory between two flushes."""

import threading
from bisect import bisect_left
from dataclasses import dataclass, field

from loopwright.ports.telemetry import LATENCY_BOUNDS, Series

Labels = tuple[tuple[str, str], ...]
Name = tuple[str, Labels]


@dataclass(slots=True)
class Gathered:
    """The measurements of one series so far; see `Series`."""

    count: int = 0
    total: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS) + 1))

    def merge(self, other: "Gathered") -> None:
        """Add the other's measurements to these."""
        self.count += other.count
        self.total += other.total
        self.buckets = [mine + theirs for mine, theirs in zip(self.buckets, other.buckets, strict=True)]

    def series(self, name: Name) -> Series:
        """Return the measurements under their name and labels."""
        return Series(name[0], dict(name[1]), self.count, self.total, tuple(self.buckets))


class Gathering:
    """Counters and histograms since the last `drain`; safe for threads."""

    def __init__(self) -> None:
        self._series: dict[Name, Gathered] = {}
        self._lock = threading.Lock()

    def count(self, name: str, amount: float, labels: dict[str, str]) -> None:
        """Add to a counter."""
        with self._lock:
            self._of(name, labels).total += amount

    def observe(self, name: str, value: float, labels: dict[str, str]) -> None:
        """Add an observation to a histogram."""
        with self._lock:
            gathered = self._of(name, labels)
            gathered.count += 1
            gathered.total += value
            gathered.buckets[bisect_left(LATENCY_BOUNDS, value)] += 1

    def drain(self) -> dict[Name, Gathered]:
        """Return what was gathered and begin anew."""
        with self._lock:
            drained, self._series = self._series, {}
        return drained

    def restore(self, drained: dict[Name, Gathered]) -> None:
        """Take back what could not be written, to be drained again."""
        with self._lock:
            for name, gathered in drained.items():
                self._series.setdefault(name, Gathered()).merge(gathered)

    def _of(self, name: str, labels: dict[str, str]) -> Gathered:
        key = (name, tuple(sorted(labels.items())))
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = Gathered()
        return found


def minute_of(moment: float) -> int:
    """Return the moment at which the minute of `moment` began."""
    return int(moment // 60) * 60
