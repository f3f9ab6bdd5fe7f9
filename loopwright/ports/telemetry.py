"""Counters and histograms of the service."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

LATENCY_BOUNDS: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
"""Upper bounds of the histogram's buckets, in the unit of the observation (milliseconds for durations)."""


class Series(msgspec.Struct, frozen=True):
    """One metric with one set of labels over a stretch of time.

    For a counter `count` is 0 and `total` the sum; for a histogram `count` observations sum up to `total`, and
    `buckets` counts them by `LATENCY_BOUNDS`, with one more bucket for what is above.
    """

    name: str
    labels: Mapping[str, str]
    count: int
    total: float
    buckets: tuple[int, ...]


class Telemetry(Protocol):
    """Takes measurements without slowing the caller: they are gathered in memory and written by `flush`.

    What was not flushed when a process dies is lost: telemetry is not the log of predictions.
    """

    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        ...

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Add an observation to a histogram."""
        ...

    def flush(self) -> None:
        """Write what was gathered; called between requests, and when a process ends."""
        ...

    def read(self, *, since: float = 0.0, until: float | None = None) -> Sequence[Series]:
        """Return what was flushed in [since, until), by name and labels, to the minute.

        Raises:
            CapabilityError: `Platform.capabilities.telemetry_history` is false here.
        """
        ...
