"""Every prediction is counted once, whatever is repeated or late."""

from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright import Monitors
from loopwright.columns import concat, take
from loopwright.monitoring.windows import Slot
from tests.loopwright.monitoring.world import DAY, START, World, counted, day, profile_of, rows_at

PROFILE = profile_of()


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
