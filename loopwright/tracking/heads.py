"""An experiment's runs, read for a search. Those that have not changed since the last one are not read again.

What was read is remembered by its place and version, in `MEMORY` bytes at the most. A search of what is remembered
asks the table for versions alone. When there is no room for an experiment's runs, those of the experiment that was
searched longest ago are forgotten; the runs that one experiment has no room for are read each time.
"""

import threading
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from loopwright.errors import NotFoundError
from loopwright.ports.table import Item, Key, Table
from loopwright.tracking import keys
from loopwright.tracking.found import FoundRun
from loopwright.tracking.record import head_of, packed_of
from loopwright.tracking.records import Records
from loopwright.tracking.values import Experiment

MEMORY: Final = 96_000_000
"""Bytes that remembered runs may take: about 20,000 usual ones."""

_GROWTH: Final = 4
_CHUNK: Final = 1_024


class _Remembered(msgspec.Struct, eq=False):
    """The runs of one experiment by their sort, what they weigh, and whether there was no room for others."""

    experiment: Experiment
    runs: dict[str, FoundRun] = msgspec.field(default_factory=dict)
    weight: int = 0
    full: bool = False


class Heads:
    """Reads the runs of experiments. Safe for threads: what is remembered is never changed, only replaced."""

    def __init__(self, table: Table, *, memory: int = MEMORY) -> None:
        self._table = table
        self._records = Records(table)
        self._memory = memory
        self._lock = threading.Lock()
        self._experiments: dict[str, _Remembered] = {}

    def newest_first(
        self, experiment: Experiment, *, before: str | None = None, first: int | None = None
    ) -> Iterator[FoundRun]:
        """Yield an experiment's runs from its last sort, or from the one before `before`.

        `first` is how many are asked for at once at first, by one who may need no more; None: he needs all.
        """
        known = self._known(experiment)
        if first is None:
            yield from self._part(known, before, None)
            return
        while True:
            count = 0
            for run in self._part(known, before, first):
                count += 1
                before = run.sort
                yield run
            if count == 0:
                return
            first *= _GROWTH

    def _part(self, known: _Remembered, before: str | None, limit: int | None) -> Iterator[FoundRun]:
        if not known.runs or known.full:
            yield from self._read(known, before, limit)
            return
        partition = keys.runs_partition(known.experiment.id)
        versions = self._table.versions(partition, prefix=keys.RUNS, before=before, limit=limit, reverse=True)
        while chunk := list(islice(versions, _CHUNK)):
            runs = known.runs
            missing = [sort for sort, version in chunk if (one := runs.get(sort)) is None or one.version != version]
            if len(missing) > len(chunk) // 2:
                # Most must be read: that is done better in one go.
                yield from self._read(known, before, limit)
                return
            fresh = self._fetched(known, missing) if missing else {}
            for sort, _ in chunk:
                run = fresh.get(sort) or runs.get(sort)
                if run is not None:
                    yield run
            before = chunk[-1][0]
            limit = None if limit is None else limit - len(chunk)

    def _read(self, known: _Remembered, before: str | None, limit: int | None) -> Iterator[FoundRun]:
        partition = keys.runs_partition(known.experiment.id)
        items = self._table.query(partition, prefix=keys.RUNS, before=before, limit=limit, reverse=True)
        while chunk := list(islice(items, _CHUNK)):
            yield from self._found(known, chunk)

    def _fetched(self, known: _Remembered, sorts: Sequence[str]) -> dict[str, FoundRun]:
        partition = keys.runs_partition(known.experiment.id)
        items = self._table.get_many([Key(partition, sort) for sort in sorts])
        return {run.sort: run for run in self._found(known, [item for item in items if item is not None])}

    def _found(self, known: _Remembered, items: Sequence[Item]) -> list[FoundRun]:
        found = []
        fresh = []
        for item in items:
            run = known.runs.get(item.key.sort)
            if run is None or run.version != item.version:
                run = self._decoded(item, known.experiment)
                if run is None:
                    continue
                fresh.append(run)
            found.append(run)
        if fresh:
            self._remember(known, fresh)
        return found

    def _decoded(self, item: Item, experiment: Experiment) -> FoundRun | None:
        head = head_of(item)
        if not head.parts:
            return FoundRun(item.key.sort, item.version, head, (packed_of(item),), experiment)
        try:
            record = self._records.whole(item, experiment)
        except NotFoundError:
            # It has just gone.
            return None
        packed = [record.entries.packed(number) for number in range(len(record.entries))]
        return FoundRun(item.key.sort, record.version, record.head, packed, experiment)

    def _known(self, experiment: Experiment) -> _Remembered:
        """Return what is remembered of an experiment, which is now the one that was searched last."""
        with self._lock:
            known = self._experiments.pop(experiment.id, None)
            if known is None or _told_by(known.experiment) != _told_by(experiment):
                known = _Remembered(experiment)
            self._experiments[experiment.id] = known
        return known

    def _remember(self, known: _Remembered, runs: Sequence[FoundRun]) -> None:
        with self._lock:
            if self._experiments.get(known.experiment.id) is not known:
                return
            total = sum(one.weight for one in self._experiments.values())
            for run in runs:
                before = known.runs.get(run.sort)
                more = run.weight - (before.weight if before else 0)
                while total + more > self._memory and (dropped := self._longest_ago(known)):
                    total -= dropped
                if total + more > self._memory:
                    known.full = True
                    return
                known.runs[run.sort] = run
                known.weight += more
                total += more

    def _longest_ago(self, known: _Remembered) -> int:
        """Forget the experiment that was searched longest ago, unless it is this one; return what it weighed."""
        oldest = next(iter(self._experiments.values()))
        if oldest is known:
            return 0
        del self._experiments[oldest.experiment.id]
        return max(oldest.weight, 1)


def _told_by(experiment: Experiment) -> tuple[object, ...]:
    """Return what runs take from their experiment: whether they are deleted, where their artifacts are."""
    return experiment.deleted, experiment.turns, experiment.artifact_location
