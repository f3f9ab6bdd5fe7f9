"""Every prediction is counted once, whatever is repeated, late, or killed."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from adapters.memory.events import MemoryEvents
from adapters.memory.provider import MemoryPlatform
from adapters.memory.table import MemoryTable
from loopwright import Monitors
from loopwright.columns import concat, take
from loopwright.monitoring.store import Checkpoint, WindowStore
from loopwright.monitoring.windows import Slot
from loopwright.ports.events import Event
from loopwright.ports.table import Expectation, Key, Value, Write
from loopwright.settings import Settings
from tests.loopwright.monitoring.world import DAY, MODEL, START, World, day, profile_of, rows_at, truth_of

PROFILE = profile_of()


def counted(world: World) -> dict[Slot, int]:
    store = WindowStore(world.platform.table, world.model)
    return {slot: counts.rows for slot, counts in store.all_counts()}


def test_a_run_reads_only_what_is_new() -> None:
    world = World()
    world.promote(PROFILE)
    world.log(rows_at(day(0, 100), seed=1))
    assert world.run(now=START + 2 * DAY).rows == 100
    assert world.run(now=START + 2 * DAY).rows == 0
    world.log(rows_at(day(0.5, 60), seed=2))
    report = world.run(now=START + 2 * DAY)
    assert (report.rows, report.slots) == (60, 2)
    assert counted(world) == {Slot(START, "champion", 1): 130, Slot(START + DAY, "champion", 1): 30}


def test_nothing_logged_is_nothing_to_do() -> None:
    report = World().run(now=START)
    assert (report.rows, report.labels, report.newest, report.raised) == (0, 0, None, ())


def test_repeats_count_once_inside_a_run_and_across_runs() -> None:
    world = World()
    world.promote(PROFILE)
    rows = rows_at(day(0, 100), seed=1)
    world.log(concat([rows, take(rows, slice(10, 30))]))
    world.log(take(rows, slice(0, 50)))
    assert world.run(now=START + DAY).rows == 100
    world.log(concat([take(rows, slice(90, 100)), rows_at(day(0, 7), seed=2)]))
    assert world.run(now=START + DAY).rows == 7
    assert counted(world) == {Slot(START, "champion", 1): 107}


def test_an_id_counts_once_per_arm() -> None:
    world = World()
    world.promote(PROFILE)
    rows = rows_at(day(0, 40), seed=1)
    world.log(concat([rows, {**rows, "arm": np.full(40, "shadow", dtype=object)}]))
    assert world.run(now=START + DAY).rows == 80


def test_rows_without_a_moment_or_a_version_belong_to_no_window() -> None:
    world = World()
    world.promote(PROFILE)
    rows = rows_at(day(0, 10), seed=1)
    rows["predicted_at"][0] = np.datetime64("NaT")
    rows["model_version"][1] = np.nan
    world.log(rows)
    assert world.run(now=START + DAY).rows == 8


def test_a_version_without_a_package_is_counted_without_its_features() -> None:
    world = World()
    world.log(rows_at(day(0, 10), seed=1, version=7))
    assert world.run(now=START + DAY).rows == 10
    (window,) = world.monitor.history("delays").windows()
    assert (window.version, window.drift) == (7, None)


def test_versions_are_counted_over_the_edges_of_their_own_profiles() -> None:
    world = World()
    world.promote(PROFILE)
    world.promote(profile_of(seed=5))
    world.log(concat([rows_at(day(0, 50), seed=1, version=1), rows_at(day(0, 60), seed=2, version=2)]))
    world.run(now=START + DAY)
    history = world.monitor.history("delays")
    assert history.profile(1) == PROFILE
    assert history.profile(2) == profile_of(seed=5)
    assert counted(world) == {Slot(START, "champion", 1): 50, Slot(START, "champion", 2): 60}


def test_another_window_length_is_another_fold() -> None:
    world = World()
    world.promote(PROFILE)
    world.log(rows_at(day(0, 48), seed=1))
    world.run(now=START + DAY)
    hourly = world.with_model(monitors=Monitors(window=timedelta(hours=1)))
    assert hourly.run(now=START + DAY).rows == 48
    assert len(counted(hourly)) == 24
    assert len(counted(world)) == 1


@given(
    batches=st.lists(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["champion", "shadow"]))), max_size=6),
    runs=st.lists(st.booleans(), min_size=6, max_size=6),
)
@settings(max_examples=25, deadline=None)
def test_whatever_is_delivered_however_often_counts_once(
    batches: list[list[tuple[int, str]]], runs: list[bool]
) -> None:
    world = World()
    for batch, run in zip(batches, runs, strict=False):
        if batch:
            moments = np.array([START + number * 0.1 * DAY for number, _ in batch])
            rows = rows_at(moments, seed=0)
            rows["prediction_id"] = np.array([f"p{number}" for number, _ in batch], dtype=object)
            rows["arm"] = np.array([arm for _, arm in batch], dtype=object)
            world.log(rows)
        if run:
            world.run(now=START)
    world.run(now=START)
    wanted: dict[Slot, int] = {}
    for number, arm in {one for batch in batches for one in batch}:
        slot = Slot(START + number * 0.1 // 1 * DAY, arm, 1)
        wanted[slot] = wanted.get(slot, 0) + 1
    assert counted(world) == wanted


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
