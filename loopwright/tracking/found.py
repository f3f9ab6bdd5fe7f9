"""A run as a search sees it: of what it has logged only what is asked for is decoded, and that once."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Final, TypeVar

import msgspec

from loopwright.tracking.entries import Entries
from loopwright.tracking.locations import run_location
from loopwright.tracking.record import Head, Record, deleted_with
from loopwright.tracking.values import DatasetInput, Experiment, Metric, Run

Section = TypeVar("Section")


class _Sections(msgspec.Struct, gc=False):
    # Each is skipped over as long as nobody asks for it.
    metrics: msgspec.Raw = msgspec.Raw(b"\x80")
    params: msgspec.Raw = msgspec.Raw(b"\x80")
    tags: msgspec.Raw = msgspec.Raw(b"\x80")
    inputs: msgspec.Raw = msgspec.Raw(b"\x80")


_SECTIONS: Final = msgspec.msgpack.Decoder(_Sections).decode
_METRICS: Final = msgspec.msgpack.Decoder(dict[str, Metric]).decode
_TEXTS: Final = msgspec.msgpack.Decoder(dict[str, str]).decode
_INPUTS: Final = msgspec.msgpack.Decoder(dict[str, DatasetInput]).decode


class FoundRun:
    """A run; it answers what a filter and an order ask, and is never changed.

    `started_ms` is the millisecond of its start, as MLflow tells it; `deleted` the moment of its deletion, or of its
    experiment's; `sort` its place in its experiment.
    """

    __slots__ = (
        "_datasets",
        "_metrics",
        "_packed",
        "_params",
        "_tags",
        "deleted",
        "experiment",
        "head",
        "sort",
        "started_ms",
        "version",
    )

    def __init__(self, sort: str, version: int, head: Head, packed: Sequence[bytes], experiment: Experiment) -> None:
        """Take a head, and the parts that have its entries."""
        self.sort = sort
        self.version = version
        self.head = head
        self.experiment = experiment
        self.started_ms = round(head.started * 1e3)
        self.deleted = deleted_with(head, experiment)
        self._packed = packed
        self._metrics: Mapping[str, Metric] | None = None
        self._params: Mapping[str, str] | None = None
        self._tags: Mapping[str, str] | None = None
        self._datasets: Sequence[DatasetInput] | None = None

    @property
    def run(self) -> Run:
        """The whole run, decoded each time."""
        return Record(self.head, Entries(self._packed), self.experiment, self.version).run

    @property
    def params(self) -> Mapping[str, str]:
        """By key."""
        if self._params is None:
            self._params = self._decoded(_PARAMS_OF, _TEXTS)
        return self._params

    @property
    def tags(self) -> Mapping[str, str]:
        """By key."""
        if self._tags is None:
            self._tags = self._decoded(_TAGS_OF, _TEXTS)
        return self._tags

    @property
    def datasets(self) -> Sequence[DatasetInput]:
        """Those that it read."""
        if self._datasets is None:
            self._datasets = tuple(self._decoded(_INPUTS_OF, _INPUTS).values())
        return self._datasets

    @property
    def weight(self) -> int:
        """About how many bytes it takes while it is remembered."""
        return _LEAST_BYTES + _BYTES_FOR_ONE * sum(map(len, self._packed))

    def attribute(self, name: str) -> str | float | None:
        """Return an attribute by MLflow's name for it."""
        return _ATTRIBUTES[name](self)

    def metric(self, key: str) -> Sequence[float]:
        """Return the latest value of a metric, if there is one."""
        if self._metrics is None:
            self._metrics = self._decoded(_METRICS_OF, _METRICS)
        found = self._metrics.get(key)
        return () if found is None else (found.value,)

    def _decoded(
        self, section: Callable[[_Sections], msgspec.Raw], decode: Callable[[msgspec.Raw], dict[str, Section]]
    ) -> dict[str, Section]:
        parts = [decode(section(_SECTIONS(packed))) for packed in self._packed]
        return parts[0] if len(parts) == 1 else {key: value for part in parts for key, value in part.items()}


_METRICS_OF: Final = attrgetter("metrics")
_PARAMS_OF: Final = attrgetter("params")
_TAGS_OF: Final = attrgetter("tags")
_INPUTS_OF: Final = attrgetter("inputs")

_LEAST_BYTES: Final = 900
_BYTES_FOR_ONE: Final = 4
"""Measured: a run of 800 packed bytes whose every section was asked for takes about 4,000."""

_ATTRIBUTES: Final[Mapping[str, Callable[[FoundRun], str | float | None]]] = {
    "run_id": lambda one: one.head.id,
    "run_name": lambda one: one.head.name,
    "user_id": lambda one: one.head.user,
    "status": lambda one: one.head.status,
    "start_time": lambda one: one.started_ms,
    "end_time": lambda one: None if one.head.ended is None else round(one.head.ended * 1e3),
    "artifact_uri": lambda one: run_location(one.experiment, one.head.id),
}
