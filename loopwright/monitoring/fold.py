"""The fold: counts what was logged since the last time, once, whatever dies in between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from loopwright.columns import Columns, length, take
from loopwright.definitions.model import Model
from loopwright.errors import ConflictError, NotFoundError
from loopwright.monitoring.counting import count_rows, read_columns_of
from loopwright.monitoring.newcomers import new_predictions, predictions_table
from loopwright.monitoring.profiles import PROFILE_FILE, Profile, watched_fields
from loopwright.monitoring.store import NOTHING, Checkpoint, WindowStore
from loopwright.monitoring.windows import Slot, WindowCounts
from loopwright.ports import Platform
from loopwright.ports.table import Absent, Put, Version
from loopwright.registry import Registry


@dataclass(frozen=True, slots=True)
class Folded:
    """What a fold counted.

    Attributes:
        rows: without repeats.
        slots: that they fell into.
        since: the lake version after which it began.
        version: the lake version that it has reached.
        windows: by number, those that rows of (since, version] fell into.
        forgotten: the lake no longer knew what came after `since`, so everything was counted anew.
    """

    rows: int
    slots: int
    since: int
    version: int
    windows: frozenset[int]
    forgotten: bool


class Fold:
    """Counts one model's predictions by slot."""

    def __init__(self, platform: Platform, model: Model, store: WindowStore, *, chunk: int) -> None:
        self._platform = platform
        self._chunk = chunk
        self._model = model
        self._store = store

    def run(self) -> Folded:
        """Count all predictions that are in the lake now and not counted yet.

        Counts and checkpoint are written together. A fold over more slots than one transaction takes is stored slot by
        slot in a fixed order, with a cursor in the checkpoint: whoever comes after a crash counts the same rows again
        and goes on behind the cursor.

        Where the versions in between have expired, what is new can no longer be told from what was counted. But the
        newest version has all rows of the log, so then all of them are counted anew, in place of what was counted.

        Raises:
            ConflictError: another monitor folds the same model at this moment; it has done part of the work.
        """
        newest = self._platform.lake.version(predictions_table(self._model.name))
        checkpoint, expect = self._store.checkpoint()
        since = checkpoint.counted
        rows = slots = 0
        starts: set[float] = set()
        forgotten = False
        while newest is not None and checkpoint.counted < newest:
            start, until, fresh = self._next(checkpoint, newest)
            self._add(start, expect, until, fresh)
            added = list(fresh.values())[start.done :]
            rows += sum(counts.rows for counts in added)
            slots += len(added)
            starts.update(slot.start for slot in fresh)
            forgotten |= start.anew
            checkpoint, expect = self._store.checkpoint()
        window = self._model.monitors.window.total_seconds()
        windows = frozenset(round(start / window) for start in starts)
        return Folded(rows, slots, since, checkpoint.counted, windows, forgotten)

    def _next(self, checkpoint: Checkpoint, newest: int) -> tuple[Checkpoint, int, dict[Slot, WindowCounts]]:
        """Return the fold that goes on from a checkpoint, the version that it goes to, and its counts."""
        until = newest if checkpoint.until is None else checkpoint.until
        try:
            return checkpoint, until, self._fresh(NOTHING if checkpoint.anew else checkpoint.counted, until)
        except NotFoundError:
            return Checkpoint(checkpoint.counted, newest, anew=True), newest, self._fresh(NOTHING, newest)

    def _fresh(self, since: int, until: int) -> dict[Slot, WindowCounts]:
        """Return the counts of what came in (since, until], in the order of the slots: always the same."""
        profiled = {field.name: field for field in watched_fields(self._model)}
        window = self._model.monitors.window.total_seconds()
        rows = new_predictions(
            self._platform.lake,
            predictions_table(self._model.name),
            since=since,
            until=until,
            columns=read_columns_of(self._model, profiled),
            window=window,
        )
        found: dict[Slot, WindowCounts] = {}
        for version, part in _by_version(rows):
            profile = self.profile(version)
            found |= count_rows(part, model=self._model, version=version, window=window, profile=profile)
        return dict(sorted(found.items()))

    def _add(self, start: Checkpoint, expect: Absent | Version, until: int, fresh: Mapping[Slot, WindowCounts]) -> None:
        slots = list(fresh)
        done = start.done
        while True:
            chunk = slots[done : done + self._chunk]
            done += len(chunk)
            ended = done >= len(slots)
            moved = Checkpoint(until) if ended else replace(start, until=until, done=done)
            puts = self._puts(chunk, fresh, anew=start.anew)
            self._platform.table.transact([*puts, self._store.checkpoint_put(moved, expect)])
            if ended:
                return
            stored, expect = self._store.checkpoint()
            if stored != moved:
                raise ConflictError(f"model {self._model.name!r} is being monitored by somebody else: try again")

    def _puts(self, slots: Sequence[Slot], fresh: Mapping[Slot, WindowCounts], *, anew: bool) -> list[Put]:
        puts = []
        for slot, stored in zip(slots, self._store.counts(slots), strict=True):
            counts = fresh[slot] if anew or stored is None else stored.merged(fresh[slot])
            puts.append(self._store.counts_put(slot, counts))
        return puts

    def profile(self, version: int) -> Profile | None:
        """Return the profile of a model version; None for a version that is unknown or has none."""
        kept = self._store.profile(version)
        if kept is not None:
            return kept
        registry = Registry(self._platform.table, clock=self._platform.clock, new_id=self._platform.new_id)
        try:
            source = registry.version(self._model.name, version).source
            profile = Profile.from_json(self._platform.blobs.get(f"{source.rstrip('/')}/{PROFILE_FILE}").data)
        except NotFoundError:
            return None
        self._store.keep_profile(version, profile)
        return profile


def _by_version(rows: Columns) -> list[tuple[int, Columns]]:
    if not length(rows):
        return []
    versions = rows["model_version"].astype(np.float64)
    known = np.unique(versions[~np.isnan(versions)])
    if len(known) == 1 and not np.isnan(versions).any():
        return [(int(known[0]), rows)]
    return [(int(version), take(rows, versions == version)) for version in known]
