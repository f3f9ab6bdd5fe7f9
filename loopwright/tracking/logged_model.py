"""A logged model (MLflow 3) as it is told and as it is stored: a head in its experiment's partition, and older points.

The head has all that a listing tells: state, params, tags and the newest points. Points are only ever added, so what
the head has no room for goes into parts that are never written again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import msgspec

from loopwright.errors import InvalidInputError
from loopwright.ports.table import ABSENT, Item, Put, Value, Version, Write
from loopwright.tracking import keys
from loopwright.tracking.experiments import content

ModelStatus = Literal["UNSPECIFIED", "PENDING", "READY", "FAILED"]

HEAD_POINTS: Final = 600
"""Points that a head may have; with keys of full length some 300 kB with their runs' identities."""

HEAD_BYTES: Final = 900_000
"""What params, tags and points of one head may weigh: a table's item has a megabyte at most."""

_PACKED: Final = "packed"


class ModelMetric(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One point of a metric that says something about a model: measured by a run, perhaps on a named data set."""

    key: str
    value: float
    timestamp: float
    step: int = 0
    run_id: str = ""
    dataset_name: str = ""
    dataset_digest: str = ""

    @property
    def place(self) -> tuple[str, float, int, str]:
        """What tells it from others: the same run logs a metric once at a step and moment."""
        return self.key, self.timestamp, self.step, self.run_id


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedModel:
    """A model that a notebook logs.

    Attributes:
        id: its identity, `m-` and hex digits.
        experiment_id: to which experiment it belongs.
        name: for people; several models may have it.
        location: the URI under which its artifacts are.
        model_type: what the notebook says that it is, such as `classifier`.
        source_run_id: the run that made it; "": none.
        status: PENDING until its files are there, then READY or FAILED.
        created: the moment of its creation, in whole milliseconds.
        updated: the moment of the last change of its state.
        deleted: the moment of its deletion; None: it lives.
        params: by key.
        tags: by key.
        metrics: every point, in the order in which they were logged.
    """

    id: str
    experiment_id: str
    name: str
    location: str
    model_type: str = ""
    source_run_id: str = ""
    status: ModelStatus = "PENDING"
    created: float
    updated: float
    deleted: float | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[ModelMetric] = ()


@dataclass(frozen=True, slots=True)
class ModelHead:
    """What a model is, apart from its entries; `parts` counts those that hold older points."""

    id: str
    experiment_id: str
    name: str
    location: str
    created: float
    updated: float
    model_type: str = ""
    source_run_id: str = ""
    status: ModelStatus = "PENDING"
    deleted: float | None = None
    parts: int = 0


@dataclass(slots=True)
class _Packed:
    # MessagePack keeps NaN and infinity, which a table's floats do not.
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    points: list[ModelMetric] = field(default_factory=list)


_DECODER: Final = msgspec.msgpack.Decoder(_Packed)
_POINTS: Final = msgspec.msgpack.Decoder(list[ModelMetric])


class ModelRecord:
    """A logged model while it is read or changed: replace its head, change its entries, then `writes`."""

    def __init__(self, head: ModelHead, *, packed: bytes = b"", version: int = 0) -> None:
        self.head = head
        self._entries = _DECODER.decode(packed) if packed else _Packed()
        self._version = version
        self._sealed: list[Put] = []
        self._before = (head, packed)

    @classmethod
    def of(cls, item: Item) -> "ModelRecord":
        """Return the model whose head this is."""
        told = dict(item.value)
        packed = told.pop(_PACKED)
        if not isinstance(packed, bytes):
            raise TypeError(f"{item.key} holds no packed entries")
        return cls(msgspec.convert(told, ModelHead), packed=packed, version=item.version)

    @property
    def params(self) -> dict[str, str]:
        """The params, to be changed."""
        return self._entries.params

    @property
    def tags(self) -> dict[str, str]:
        """The tags, to be changed."""
        return self._entries.tags

    def add(self, points: Sequence[ModelMetric]) -> None:
        """Add points; one that is there already is there once.

        Raises:
            InvalidInputError: another one is there at the same moment and step.
        """
        known = {one.place: one for one in self._entries.points}
        for point in points:
            before = known.setdefault(point.place, point)
            if before is point:
                self._entries.points.append(point)
            elif repr(before) != repr(point):  # NaN is no equal of itself.
                raise InvalidInputError(
                    f"model {self.head.id}: metric {point.key!r} at step {point.step} is {before} "
                    f"and cannot become {point}: log it at another step or moment"
                )
        while len(self._entries.points) > HEAD_POINTS:
            self._seal()

    def model(self, older: Sequence[ModelMetric] = ()) -> LoggedModel:
        """Return the model in tracking's words, given the points that its head has no room for."""
        head = self.head
        points: dict[tuple[str, float, int, str], ModelMetric] = {}
        for one in (*older, *self._entries.points):
            # It may have been logged again after it was put away.
            points.setdefault(one.place, one)
        return LoggedModel(
            id=head.id,
            experiment_id=head.experiment_id,
            name=head.name,
            location=head.location,
            model_type=head.model_type,
            source_run_id=head.source_run_id,
            status=head.status,
            created=head.created,
            updated=head.updated,
            deleted=head.deleted,
            params=dict(sorted(self.params.items())),
            tags=dict(sorted(self.tags.items())),
            metrics=tuple(points.values()),
        )

    def writes(self) -> list[Write]:
        """Return what must be written, in one transaction, on the condition that nobody wrote since the reading.

        Raises:
            InvalidInputError: params, tags and points are more than an item holds.
        """
        packed = msgspec.msgpack.encode(self._entries)
        if (self.head, packed) == self._before and self._version:
            return []
        if len(packed) > HEAD_BYTES:
            raise InvalidInputError(
                f"model {self.head.id}: its params and tags have {len(packed):,} bytes, at most {HEAD_BYTES:,} are "
                "kept: log long texts as artifacts"
            )
        place = keys.logged_model_key(self.head.experiment_id, self.head.created, self.head.id)
        value: dict[str, Value] = {**content(self.head), _PACKED: packed}
        expect = Version(self._version) if self._version else ABSENT
        return [Put(place, value, expect=expect), *self._sealed]

    def _seal(self) -> None:
        """Put the oldest points away, for good."""
        oldest, self._entries.points = self._entries.points[:HEAD_POINTS], self._entries.points[HEAD_POINTS:]
        self.head = replace(self.head, parts=self.head.parts + 1)
        place = keys.model_part_key(self.head.id, self.head.parts)
        self._sealed.append(Put(place, {_PACKED: msgspec.msgpack.encode(oldest)}, expect=ABSENT))


def points_of(item: Item) -> list[ModelMetric]:
    """Return the points that were put away."""
    packed = item.value[_PACKED]
    if not isinstance(packed, bytes):
        raise TypeError(f"{item.key} holds no points")
    return _POINTS.decode(packed)
