"""A run's latest metrics, params, tags and inputs, packed into parts that stay small however many there are."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

import msgspec

from loopwright.tracking.values import DatasetInput, Metric

PART_BYTES: Final = 200_000
"""What a part may weigh: under half of what DynamoDB takes for one item. Nearly every run fits in one."""

Kind = Literal["metrics", "params", "tags", "inputs", "models_read", "models_made"]

Found = TypeVar("Found")


@dataclass(slots=True)
class _Part:
    # MessagePack keeps NaN and infinity, which a table's floats do not.
    metrics: dict[str, Metric] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, DatasetInput] = field(default_factory=dict)
    models_read: dict[str, int] = field(default_factory=dict)
    models_made: dict[str, int] = field(default_factory=dict)


_DECODER: Final = msgspec.msgpack.Decoder(_Part)


class Entries:
    """One run's entries while they are read or changed; `changed` names the parts that must be written again.

    An entry that grows out of its part moves to the last one, or to a new one: no part exceeds `PART_BYTES`, unless
    one entry alone does.
    """

    def __init__(self, packed: Sequence[bytes]) -> None:
        self._parts = [_DECODER.decode(one) for one in packed]
        self._sizes = [len(one) for one in packed]
        self.changed: set[int] = set()

    @classmethod
    def fresh(cls) -> "Entries":
        """Return no entries, in one part that must be written."""
        entries = cls([msgspec.msgpack.encode(_Part())])
        entries.changed.add(0)
        return entries

    def __len__(self) -> int:
        """Return the number of parts."""
        return len(self._parts)

    def packed(self, part: int) -> bytes:
        """Return a part as it is stored."""
        return msgspec.msgpack.encode(self._parts[part])

    @property
    def metrics(self) -> dict[str, Metric]:
        """The latest point of each metric."""
        return _merged([part.metrics for part in self._parts])

    @property
    def params(self) -> dict[str, str]:
        """The params."""
        return _merged([part.params for part in self._parts])

    @property
    def tags(self) -> dict[str, str]:
        """The tags."""
        return _merged([part.tags for part in self._parts])

    @property
    def inputs(self) -> tuple[DatasetInput, ...]:
        """The data sets that the run read."""
        found = (one for part in self._parts for one in part.inputs.values())
        return tuple(sorted(found, key=lambda one: (one.name, one.context, one.digest)))

    @property
    def models_read(self) -> tuple[str, ...]:
        """The logged models that the run read."""
        return tuple(_merged([part.models_read for part in self._parts]))

    @property
    def models_made(self) -> dict[str, int]:
        """The logged models that the run made, each with the step at which."""
        return _merged([part.models_made for part in self._parts])

    def log_metric(self, metric: Metric) -> None:
        """Make the point the metric's latest one, if it is: the greatest (step, timestamp, value), as MLflow has it.

        NaN counts as 0 there.
        """
        part = self._part_of("metrics", metric.key)
        if part is None or _rank(metric) > _rank(self._parts[part].metrics[metric.key]):
            self._set("metrics", metric.key, metric)

    def set_param(self, key: str, value: str) -> str | None:
        """Set the param unless it is there; return the value that is there already, if it differs."""
        part = self._part_of("params", key)
        if part is None:
            self._set("params", key, value)
            return None
        before = self._parts[part].params[key]
        return before if before != value else None

    def set_tag(self, key: str, value: str) -> None:
        """Set the tag, whatever it was."""
        part = self._part_of("tags", key)
        if part is None or self._parts[part].tags[key] != value:
            self._set("tags", key, value)

    def remove_tag(self, key: str) -> bool:
        """Remove the tag; say whether it was there."""
        part = self._part_of("tags", key)
        if part is not None:
            del self._parts[part].tags[key]
            self.changed.add(part)
        return part is not None

    def add_input(self, dataset: DatasetInput) -> None:
        """Add a data set unless one of that name and digest is there."""
        if all((one.name, one.digest) != (dataset.name, dataset.digest) for one in self.inputs):
            self._set("inputs", msgspec.json.encode((dataset.name, dataset.digest)).decode(), dataset)

    def add_model(self, kind: Literal["models_read", "models_made"], model_id: str, step: int = 0) -> int | None:
        """Add a logged model unless it is there; return the step with which it is there already, if it differs."""
        part = self._part_of(kind, model_id)
        if part is None:
            self._set(kind, model_id, step)
            return None
        before = _models(self._parts[part], kind)[model_id]
        return before if before != step else None

    def _part_of(self, kind: Kind, key: str) -> int | None:
        for number, part in enumerate(self._parts):
            if key in _of(part, kind):
                return number
        return None

    def _set(self, kind: Kind, key: str, value: Metric | str | int | DatasetInput) -> None:
        size = _size(key, value)
        own = self._part_of(kind, key)
        if own is not None:
            self._sizes[own] -= _size(key, _of(self._parts[own], kind).pop(key))
            self.changed.add(own)
        part = next(self._with_room([own, len(self._parts) - 1], size), None)
        if part is None:
            part = len(self._parts)
            self._parts.append(_Part())
            self._sizes.append(0)
        _of(self._parts[part], kind)[key] = value
        self._sizes[part] += size
        self.changed.add(part)

    def _with_room(self, parts: Sequence[int | None], size: int) -> Iterator[int]:
        for part in parts:
            if part is not None and self._sizes[part] + size <= PART_BYTES:
                yield part


def _of(part: _Part, kind: Kind) -> dict[str, object]:
    entries: dict[str, object] = getattr(part, kind)
    return entries


def _models(part: _Part, kind: Literal["models_read", "models_made"]) -> dict[str, int]:
    return part.models_read if kind == "models_read" else part.models_made


def _size(key: str, value: object) -> int:
    return len(msgspec.msgpack.encode((key, value)))


def _rank(metric: Metric) -> tuple[int, float, float]:
    return metric.step, metric.timestamp, 0.0 if math.isnan(metric.value) else metric.value


def _merged(parts: Sequence[dict[str, Found]]) -> dict[str, Found]:
    if len(parts) == 1:
        return parts[0]
    return {key: value for part in parts for key, value in part.items()}
