"""What monitoring keeps in the table, by key; see the package's docstring for the keys."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import msgspec

from loopwright.clock import isoformat
from loopwright.definitions.model import Model
from loopwright.errors import ConflictError, IntegrityError
from loopwright.monitoring.alerts import Alert
from loopwright.monitoring.performance import Measured
from loopwright.monitoring.profiles import Profile
from loopwright.monitoring.windows import Slot, WindowCounts
from loopwright.ports.table import ABSENT, Absent, Item, Key, Put, Table, Value, Version

NOTHING: Final = -1
"""The lake version before the first."""

Stretch = Literal["performance", "merged"]
"""Measured over one window, or over the rule's whole stretch that ends with it."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far the log has been counted.

    Attributes:
        counted: the lake version up to which all predictions are counted.
        until: the version that a fold in several transactions is on its way to; None: no such fold is under way.
        done: how many slots of that fold are stored already, in their order.
        anew: that fold counts everything that is in `until`, in place of what was counted before.
    """

    counted: int = NOTHING
    until: int | None = None
    done: int = 0
    anew: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """The lake versions of predictions and labels up to which performance is measured."""

    predictions: int = NOTHING
    labels: int = NOTHING


_T = TypeVar("_T")


class WindowStore:
    """The windows, profiles and checkpoints of one model."""

    def __init__(self, table: Table, model: Model) -> None:
        self._table = table
        self._partition = f"monitor/{model.name}/{model.monitors.window.total_seconds():g}"

    def checkpoint(self) -> tuple[Checkpoint, Absent | Version]:
        """Return how far the log is counted, and what to expect when writing it again."""
        item = self._table.get(self._key("checkpoint"))
        return (_decoded(item, Checkpoint), Version(item.version)) if item else (Checkpoint(), ABSENT)

    def checkpoint_put(self, value: Checkpoint, expect: Absent | Version) -> Put:
        """Return the write of a checkpoint."""
        return Put(self._key("checkpoint"), msgspec.to_builtins(value), expect=expect)

    def judged(self) -> tuple[Judged, Absent | Version]:
        """Return how far performance is measured, and what to expect when writing it again."""
        item = self._table.get(self._key("judged"))
        return (_decoded(item, Judged), Version(item.version)) if item else (Judged(), ABSENT)

    def judged_put(self, value: Judged, expect: Absent | Version) -> Put:
        """Return the write of how far performance is measured."""
        return Put(self._key("judged"), msgspec.to_builtins(value), expect=expect)

    def counts(self, slots: Sequence[Slot]) -> list[WindowCounts | None]:
        """Return the stored counts in the order of `slots`, None where there are none."""
        items = self._table.get_many([self._key(f"window/{slot.sort}") for slot in slots])
        return [WindowCounts.decode(_bytes(item)) if item else None for item in items]

    def counts_put(self, slot: Slot, counts: WindowCounts) -> Put:
        """Return the write of a slot's counts."""
        return Put(self._key(f"window/{slot.sort}"), {"rows": counts.rows, "counts": counts.encode()})

    def all_counts(
        self, *, since: float | None = None, until: float | None = None
    ) -> Iterator[tuple[Slot, WindowCounts]]:
        """Yield counts of windows that start in [since, until), in the order of time."""
        for item in self._range("window", since, until):
            yield Slot.parse(item.key.sort), WindowCounts.decode(_bytes(item))

    def counts_of(self, arm: str, version: int, *, since: float, until: float) -> Iterator[WindowCounts]:
        """Yield counts of one arm and version, of windows that start in [since, until), in the order of time."""
        for item in self._range("window", since, until):
            slot = Slot.parse(item.key.sort)
            if (slot.arm, slot.version) == (arm, version):
                yield WindowCounts.decode(_bytes(item))

    def newest_slot(self, *, before: float) -> Slot | None:
        """Return the newest slot whose window starts before a moment."""
        top = f"window/{isoformat(before)}"
        found = self._table.query(self._partition, prefix="window/", before=top, limit=1, reverse=True)
        return next((Slot.parse(item.key.sort) for item in found), None)

    def measured_put(self, stretch: Stretch, slot: Slot, measured: Measured) -> Put:
        """Return the write of a slot's performance."""
        return Put(self._key(f"{stretch}/{slot.sort}"), msgspec.to_builtins(measured))

    def all_measured(
        self, stretch: Stretch, *, since: float | None = None, until: float | None = None
    ) -> Iterator[tuple[Slot, Measured]]:
        """Yield performance of windows that start in [since, until), in the order of time."""
        for item in self._range(stretch, since, until):
            yield Slot.parse(item.key.sort), _decoded(item, Measured)

    def alerts(self) -> Iterator[Alert]:
        """Yield the alerts that were raised, in the order of their windows."""
        for item in self._table.query(self._partition, prefix="alert/"):
            yield _decoded(item, Alert)

    def is_raised(self, alert: Alert) -> bool:
        """Say whether there was an alert of this kind for this window."""
        return self._table.get(self._alert_key(alert)) is not None

    def keep_alert(self, alert: Alert) -> None:
        """Remember that an alert was raised."""
        self._table.put(self._alert_key(alert), msgspec.to_builtins(alert))

    def profile(self, version: int) -> Profile | None:
        """Return the kept profile of a model version."""
        item = self._table.get(self._profile_key(version))
        return Profile.from_json(_bytes(item)) if item else None

    def keep_profile(self, version: int, profile: Profile) -> None:
        """Keep a profile; the one that was kept first stays."""
        try:
            self._table.put(self._profile_key(version), {"counts": profile.to_json()}, expect=ABSENT)
        except ConflictError:
            return

    def _range(self, kind: str, since: float | None, until: float | None) -> Iterator[Item]:
        after = None if since is None else f"{kind}/{isoformat(since)}"
        before = None if until is None else f"{kind}/{isoformat(until)}"
        return self._table.query(self._partition, prefix=f"{kind}/", after=after, before=before)

    def _alert_key(self, alert: Alert) -> Key:
        return self._key(f"alert/{isoformat(alert.end)}/{alert.kind}")

    def _profile_key(self, version: int) -> Key:
        return self._key(f"profile/{version:08d}")

    def _key(self, sort: str) -> Key:
        return Key(self._partition, sort)


def _decoded(item: Item, kind: type[_T]) -> _T:
    try:
        return msgspec.convert(dict(item.value), kind)
    except msgspec.ValidationError as error:
        raise IntegrityError(f"{item.key} is not what was written: {error}") from error


def _bytes(item: Item) -> bytes:
    data: Value = item.value["counts"]
    if not isinstance(data, bytes):
        raise IntegrityError(f"{item.key} is not what was written: its counts are no bytes")
    return data
