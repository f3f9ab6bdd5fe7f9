"""Measurements as lines of CloudWatch's Embedded Metric Format, which CloudWatch reads out of a function's log.

Source: "Specification: Embedded metric format", Amazon CloudWatch user guide.
"""

import math
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
from typing_extensions import override

from loopwright.clock import Clock
from loopwright.errors import CapabilityError, InvalidInputError
from loopwright.ports.telemetry import Series, Telemetry

_METRICS: Final = 100
_VALUES: Final = 100
_DIMENSIONS: Final = 30
_NAME: Final = 255
_VALUE: Final = 1024
_MILLISECONDS: Final = "_ms"

_Labels = tuple[tuple[str, str], ...]
_Metric = tuple[str, str, float | list[float]]
"""Name, unit and what was measured."""


def _to_stdout(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


class EmfTelemetry(Telemetry):
    """Measurements gathered in memory; `flush` writes them to standard output, a line for each set of labels.

    Labels become dimensions. An observation is written as it is, so that CloudWatch's percentiles are exact. Lambda
    freezes a process between two invocations: who is not flushed at the end of one is late, or lost.
    """

    def __init__(self, namespace: str, clock: Clock, *, write: Callable[[str], None] = _to_stdout) -> None:
        self._namespace = namespace
        self._clock = clock
        self._write = write
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, _Labels], float] = {}
        self._observations: dict[tuple[str, _Labels], list[float]] = {}

    @override
    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        key = (name, _checked(name, labels))
        with self._lock:
            self._counts[key] = self._counts.get(key, 0.0) + amount

    @override
    def observe(self, name: str, value: float, **labels: str) -> None:
        key = (name, _checked(name, labels))
        # CloudWatch refuses the whole line for one NaN.
        if math.isfinite(value):
            with self._lock:
                self._observations.setdefault(key, []).append(value)

    @override
    def flush(self) -> None:
        with self._lock:
            counts, self._counts = self._counts, {}
            observations, self._observations = self._observations, {}
        if not counts and not observations:
            return
        metrics: defaultdict[_Labels, list[_Metric]] = defaultdict(list)
        for (name, labels), total in counts.items():
            metrics[labels].append((name, "Count", total))
        for (name, labels), values in observations.items():
            unit = "Milliseconds" if name.endswith(_MILLISECONDS) else "None"
            metrics[labels] += ((name, unit, values[at : at + _VALUES]) for at in range(0, len(values), _VALUES))
        moment = int(self._clock() * 1e3)
        lines = [self._line(moment, labels, some) for labels, all_ in metrics.items() for some in _apart(all_)]
        self._write("".join(f"{line}\n" for line in lines))

    @override
    def read(self, *, since: float = 0.0, until: float | None = None) -> Sequence[Series]:
        raise CapabilityError(
            f"on AWS measurements are in CloudWatch, in the namespace {self._namespace!r}: look at them there"
        )

    def _line(self, moment: int, labels: _Labels, metrics: Sequence[_Metric]) -> str:
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [[name for name, _ in labels]],
            "Metrics": [{"Name": name, "Unit": unit} for name, unit, _ in metrics],
        }
        document: dict[str, object] = {"_aws": {"Timestamp": moment, "CloudWatchMetrics": [directive]}}
        document |= dict(labels)
        document |= {name: measured for name, _, measured in metrics}
        return msgspec.json.encode(document).decode()


def _checked(name: str, labels: dict[str, str]) -> _Labels:
    """Return the labels as dimensions: in the order of their names, none of them empty."""
    if len(labels) > _DIMENSIONS or name in labels or "_aws" in {name, *labels}:
        raise InvalidInputError(
            f"metric {name!r} with labels {', '.join(labels)}: {_DIMENSIONS} at the most, none named like the metric"
        )
    if not all(0 < len(one) <= _NAME for one in (name, *labels)):
        raise InvalidInputError(f"metric {name!r}: its name and its labels' have 1 to {_NAME} characters")
    return tuple(sorted((label, value[:_VALUE] or "-") for label, value in labels.items()))


def _apart(metrics: Sequence[_Metric]) -> Iterator[list[_Metric]]:
    """Yield the metrics in groups that may share a line: no more than 100, and no name twice."""
    group: dict[str, _Metric] = {}
    for metric in metrics:
        if metric[0] in group or len(group) == _METRICS:
            yield list(group.values())
            group = {}
        group[metric[0]] = metric
    yield list(group.values())
