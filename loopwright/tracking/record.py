"""A run as it is stored: a head in its experiment's partition, and further parts where the head is full."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from loopwright.errors import DeletedError, InvalidInputError
from loopwright.ports.table import ABSENT, Item, Key, Put, Version, Write
from loopwright.tracking import keys
from loopwright.tracking.entries import Entries
from loopwright.tracking.experiments import content
from loopwright.tracking.locations import run_location
from loopwright.tracking.values import RUN_NAME_TAG, Experiment, Metric, Run, RunStatus

ENTRIES: Final = "entries"


@dataclass(frozen=True, slots=True)
class Head:
    """What a run is, apart from its entries.

    `parts` and `chunks` count its further parts and its history's chunks. `turn` is how often its experiment had been
    deleted or restored when the run itself was, or was made.
    """

    id: str
    experiment_id: str
    name: str
    status: RunStatus
    started: float
    ended: float | None = None
    deleted: float | None = None
    parts: int = 0
    chunks: int = 0
    user: str = ""
    turn: int = 0

    @property
    def key(self) -> Key:
        """Where the head is."""
        return Key(keys.runs_partition(self.experiment_id), keys.run_sort(self.started, self.id))


@dataclass(slots=True)
class Record:
    """A run while it is read or changed: replace its head, change its entries, collect new points, then `writes`."""

    head: Head
    entries: Entries
    experiment: Experiment
    version: int
    points: Sequence[Metric] = ()
    _before: Head | None = field(init=False)

    def __post_init__(self) -> None:
        """Remember what was read."""
        self._before = self.head if self.version else None

    @property
    def run(self) -> Run:
        """The run, in tracking's words."""
        head = self.head
        return Run(
            id=head.id,
            experiment_id=head.experiment_id,
            name=head.name,
            status=head.status,
            started=head.started,
            ended=head.ended,
            deleted=self.deleted,
            metrics=self.entries.metrics,
            params=self.entries.params,
            tags=self.entries.tags,
            inputs=self.entries.inputs,
            user=head.user,
            model_inputs=self.entries.models_read,
            model_outputs=self.entries.models_made,
            artifact_uri=run_location(self.experiment, head.id),
        )

    @property
    def deleted(self) -> float | None:
        """The moment of the run's deletion, or of its experiment's."""
        return deleted_with(self.head, self.experiment)

    def delete(self, moment: float | None) -> None:
        """Delete the run at that moment, or restore it with None; its experiment stays as it is."""
        self.head = replace(self.head, deleted=moment, turn=self.experiment.turns)

    def living(self) -> "Record":
        """Return the record, or raise `DeletedError` if the run is, by itself or with its experiment."""
        if self.deleted is not None:
            raise DeletedError(f"run {self.head.id} is deleted: restore it before writing to it")
        return self

    def rename(self, name: str) -> None:
        """Give the run another name, which is a tag of it as well."""
        self.head = replace(self.head, name=name)
        self.entries.set_tag(RUN_NAME_TAG, name)

    def set_params(self, params: Mapping[str, str]) -> None:
        """Set params, or raise `InvalidInputError`, with every problem, if one is there with another value."""
        problems = tuple(
            f"param {key!r} is {before!r} and cannot become {value!r}"
            for key, value in params.items()
            if (before := self.entries.set_param(key, value)) is not None
        )
        if problems:
            raise InvalidInputError(
                f"run {self.head.id}: {'; '.join(problems)}. "
                "A param is set once: log the other value in a run of its own",
                problems,
            )

    def writes(self, chunks: Sequence[Put]) -> list[Write]:
        """Return what must be written, in one transaction, on the condition that nobody wrote since the reading."""
        head = replace(self.head, parts=len(self.entries) - 1, chunks=self.head.chunks + len(chunks))
        if head == self._before and not self.entries.changed:
            return []
        value = {**content(head), ENTRIES: self.entries.packed(0)}
        further = [
            Put(keys.part_key(head.id, number), {ENTRIES: self.entries.packed(number)})
            for number in sorted(self.entries.changed - {0})
        ]
        expect = Version(self.version) if self.version else ABSENT
        return [Put(head.key, value, expect=expect), *further, *chunks]


def deleted_with(head: Head, experiment: Experiment) -> float | None:
    """Return the moment of a run's deletion: of its own, unless its experiment was deleted or restored after that."""
    return head.deleted if head.turn == experiment.turns else experiment.deleted


def head_of(item: Item) -> Head:
    """Return the head that an item holds."""
    # What the head does not have is ignored, the entries among it.
    return msgspec.convert(dict(item.value), Head)


def packed_of(item: Item) -> bytes:
    """Return the packed entries that an item holds."""
    packed = item.value[ENTRIES]
    if not isinstance(packed, bytes):
        raise TypeError(f"{item.key} holds no packed entries")
    return packed
