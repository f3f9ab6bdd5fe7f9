"""Measurements as lines of JSON on standard output, out of which Cloud Logging makes metrics.

A line is what `loopwright.logs.measurement` makes of one observation, or of what a counter has summed up since the last
flush. Cloud Run hands lines to Cloud Logging, where a line's members are `jsonPayload.…`; metrics that are extracted
from `jsonPayload.measurement.value`, with labels from `jsonPayload.measurement.labels.…`, are distributions: their
percentiles are exact to their buckets, and the sum of a counter is that of its distribution.
"""

import math
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Final

from typing_extensions import override

from loopwright.clock import Clock
from loopwright.errors import CapabilityError, InvalidInputError
from loopwright.logs import measurement
from loopwright.ports.telemetry import Series, Telemetry

_LABELS: Final = 10
"""What a log-based metric has at the most."""

_NAME: Final = 100
_VALUE: Final = 1024

_Labels = tuple[tuple[str, str], ...]


def _to_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


class LogTelemetry(Telemetry):
    """Measurements gathered in memory; `flush` writes them to standard output, a line for each.

    Cloud Run may freeze a process between two requests: who is not flushed before is late, or lost.
    """

    def __init__(self, clock: Clock, *, write: Callable[[str], None] = _to_stdout) -> None:
        self._clock = clock
        self._write = write
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, _Labels], float] = {}
        self._observations: list[tuple[str, _Labels, float]] = []

    @override
    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        key = (name, _checked(name, labels))
        with self._lock:
            self._counts[key] = self._counts.get(key, 0.0) + amount

    @override
    def observe(self, name: str, value: float, **labels: str) -> None:
        found = _checked(name, labels)
        # JSON has no word for what is not finite, and a distribution no place.
        if math.isfinite(value):
            with self._lock:
                self._observations.append((name, found, value))

    @override
    def flush(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, {}
            observations, self._observations = self._observations, []
        if not counts and not observations:
            return
        now = self._clock()
        lines = [measurement(name, total, dict(labels), now) for (name, labels), total in counts.items()]
        lines += (measurement(name, value, dict(labels), now) for name, labels, value in observations)
        self._write("".join(lines))

    @override
    def read(self, *, since: float = 0.0, until: float | None = None) -> Sequence[Series]:
        raise CapabilityError(
            "on Google Cloud measurements are in Cloud Monitoring, made of the logs: look at them there"
        )


def _checked(name: str, labels: dict[str, str]) -> _Labels:
    """Return the labels in the order of their names, none of them longer than Cloud Monitoring takes."""
    if len(labels) > _LABELS:
        raise InvalidInputError(f"metric {name!r} with labels {', '.join(labels)}: {_LABELS} at the most")
    if not all(0 < len(one) <= _NAME for one in (name, *labels)):
        raise InvalidInputError(f"metric {name!r}: its name and its labels' have 1 to {_NAME} characters")
    return tuple(sorted((label, value[:_VALUE]) for label, value in labels.items()))
