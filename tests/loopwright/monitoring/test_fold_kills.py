"""A fold that dies between any two of its writes."""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import pytest
from typing_extensions import override

from adapters.memory.events import MemoryEvents
from adapters.memory.provider import MemoryPlatform
from adapters.memory.table import MemoryTable
from loopwright.columns import concat, take
from loopwright.monitoring.store import Checkpoint, WindowStore
from loopwright.ports.events import Event
from loopwright.ports.table import Expectation, Key, Value, Write
from loopwright.settings import Settings
from tests.loopwright.monitoring.world import DAY, MODEL, START, World, counted, day, profile_of, rows_at, truth_of

PROFILE = profile_of()


class Killed(BaseException):
    """Stands for kill -9: nothing catches it."""


class Fate:
    """Kills before the n-th write; never while `at` is 0. Killed between two writes is the same, wherever it is."""

    def __init__(self) -> None:
        self.at = 0
        self.writes = 0

    def meet(self) -> None:
        self.writes += 1
        if self.writes == self.at:
            raise Killed


class MortalTable(MemoryTable):
    fate: Fate

    @override
    def put(
        self, key: Key, value: Mapping[str, Value], *, expect: Expectation = None, expires: float | None = None
    ) -> int:
        self.fate.meet()
        return super().put(key, value, expect=expect, expires=expires)

    @override
    def transact(self, writes: Sequence[Write]) -> None:
        self.fate.meet()
        super().transact(writes)


class MortalEvents(MemoryEvents):
    fate: Fate

    @override
    def publish(self, event: Event) -> None:
        self.fate.meet()
        super().publish(event)


class MortalPlatform(MemoryPlatform):
    """A world whose process is killed when its fate says so."""

    @cached_property
    def fate(self) -> Fate:
        return Fate()

    @cached_property
    @override
    def table(self) -> MortalTable:
        table = MortalTable(self.clock)
        table.fate = self.fate
        return table

    @cached_property
    @override
    def events(self) -> MortalEvents:
        events = MortalEvents(self.queue, ())
        events.fate = self.fate
        return events


LOGGED = rows_at(day(0, 300) + np.arange(300) * 864.0, seed=1, shift=8.0)
MORE = rows_at(day(2, 200), seed=2, shift=8.0)
NOW = START + 5 * DAY
CHUNK = 1


def world_before() -> tuple[World, MortalPlatform]:
    """Return a world with one fold done and more to fold: several transactions, repeats, labels and alerts."""
    platform = MortalPlatform(Settings(provider="memory"))
    world = World(platform, chunk=CHUNK)
    world.promote(PROFILE)
    world.log(take(LOGGED, slice(0, 100)))
    world.label(LOGGED["prediction_id"][:50].astype(object), truth_of(LOGGED)[:50], at=START + DAY)
    world.run(now=START + DAY)
    world.log(concat([LOGGED, MORE]))
    world.label(LOGGED["prediction_id"][40:].astype(object), truth_of(LOGGED)[40:], at=START + 4 * DAY)
    platform.fate.writes = 0
    return world, platform


def everything(world: World) -> list[tuple[str, Mapping[str, Value]]]:
    return [(item.key.sort, item.value) for item in world.platform.table.query("monitor/delays/86400")]


def test_a_run_that_is_killed_between_any_two_writes_is_made_good_by_the_next() -> None:
    healthy, platform = world_before()
    report = healthy.run(now=NOW)
    writes, wanted, told = platform.fate.writes, everything(healthy), platform.events.recent()
    assert report.slots > 2 * CHUNK
    assert {alert.kind for alert in report.raised} == {"drift"}
    for at in range(1, writes + 1):
        world, mortal = world_before()
        mortal.fate.at = at
        with pytest.raises(Killed):
            world.run(now=NOW)
        world.run(now=NOW)
        assert everything(world) == wanted, f"killed before write {at} of {writes}"
        assert [event.id for event in mortal.events.recent()] == [event.id for event in told]


def test_a_fold_that_goes_on_after_a_crash_does_not_take_in_what_came_meanwhile_twice() -> None:
    world, mortal = world_before()
    mortal.fate.at = 2
    with pytest.raises(Killed):
        world.run(now=NOW)
    assert WindowStore(mortal.table, MODEL).checkpoint()[0].until is not None
    world.log(rows_at(day(1, 77), seed=3))
    world.run(now=NOW)
    assert sum(counted(world).values()) == 300 + 200 + 77


def test_a_count_anew_takes_the_place_of_what_was_counted_wherever_it_was_killed() -> None:
    healthy, _ = world_before()
    healthy.run(now=NOW)
    wanted = counted(healthy)
    for at in (1, 2, 3):
        world, mortal = world_before()
        store = WindowStore(world.platform.table, MODEL)
        anew = Checkpoint(counted=0, until=1, anew=True)
        world.platform.table.transact([store.checkpoint_put(anew, store.checkpoint()[1])])
        mortal.fate.writes, mortal.fate.at = 0, at
        with pytest.raises(Killed):
            world.run(now=NOW)
        assert world.run(now=NOW).anew
        assert counted(world) == wanted
        assert store.checkpoint()[0] == Checkpoint(counted=1)
