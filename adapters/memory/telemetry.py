"""Measurements by minute, in a dictionary."""

import threading
from collections.abc import Sequence

from typing_extensions import override

from adapters.measurements import Gathered, Gathering, Name, minute_of
from loopwright.clock import Clock
from loopwright.ports.telemetry import Series, Telemetry


class MemoryTelemetry(Telemetry):
    """Measurements by minute, for tests and as the reference."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gathering = Gathering()
        self._minutes: dict[int, dict[Name, Gathered]] = {}
        self._lock = threading.Lock()

    @override
    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        self._gathering.count(name, amount, labels)

    @override
    def observe(self, name: str, value: float, **labels: str) -> None:
        self._gathering.observe(name, value, labels)

    @override
    def flush(self) -> None:
        drained = self._gathering.drain()
        with self._lock:
            minute = self._minutes.setdefault(minute_of(self._clock()), {})
            for name, gathered in drained.items():
                minute.setdefault(name, Gathered()).merge(gathered)

    @override
    def read(self, *, since: float = 0.0, until: float | None = None) -> Sequence[Series]:
        merged: dict[Name, Gathered] = {}
        with self._lock:
            for minute, series in self._minutes.items():
                if minute >= minute_of(since) and (until is None or minute < until):
                    for name, gathered in series.items():
                        merged.setdefault(name, Gathered()).merge(gathered)
        return [merged[name].series(name) for name in sorted(merged)]
