"""Alerts, and what is known afterwards."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from loopwright import Drift, Monitors
from loopwright.columns import concat, take
from loopwright.monitoring.windows import ALL_VERSIONS
from tests.loopwright.monitoring.world import (
    DAY,
    MODEL,
    START,
    World,
    auc,
    day,
    ids,
    lived,
    profile_of,
    rows_at,
    truth_of,
    windows,
)

PROFILE = profile_of()


def test_a_stretch_is_measured_over_all_its_rows_and_not_averaged() -> None:
    world, rows = lived(6)
    labels = truth_of(rows)
    world.label(ids(rows), labels, at=START + 6 * DAY)
    world.run(now=START + 7 * DAY)
    found = world.monitor.history("delays").performance(since=START)
    assert [(one.start, one.end, one.version) for one in found] == [
        (START, START + 3 * DAY, ALL_VERSIONS),
        (START, START + 3 * DAY, 1),
        (START + 3 * DAY, START + 6 * DAY, ALL_VERSIONS),
        (START + 3 * DAY, START + 6 * DAY, 1),
    ]
    assert found[0].measured.value == pytest.approx(auc(take(rows, slice(0, 450)), labels[:450]))
    assert found[3].measured.value == pytest.approx(auc(take(rows, slice(450, 900)), labels[450:]))


def test_every_arm_and_version_is_measured_by_itself_and_an_arms_versions_together_too() -> None:
    world = World()
    world.promote(PROFILE)
    first, second = rows_at(day(0, 200), seed=1), rows_at(day(1, 200), seed=2, version=2)
    shadow = {**rows_at(day(0, 200), seed=3, arm="shadow", version=2), "prediction_id": first["prediction_id"]}
    world.log(concat([first, second, shadow]))
    labels = np.concatenate([truth_of(first), truth_of(second)])
    world.label(np.concatenate([ids(first), ids(second)]), labels, at=START + 2 * DAY)
    world.run(now=START + 3 * DAY)
    (merged,) = [
        one
        for one in world.monitor.history("delays").performance(since=START - DAY)
        if one.arm == "champion" and one.version == ALL_VERSIONS
    ]
    assert merged.measured.value == pytest.approx(auc(concat([first, second]), labels))
    by_slot = {(one.arm, one.version): one.performance for one in windows(world)}
    assert {slot for slot, found in by_slot.items() if found} == {("champion", 1), ("champion", 2), ("shadow", 2)}
    found = by_slot["shadow", 2]
    assert found is not None
    assert found.value == pytest.approx(auc(shadow, labels[:200]))


def test_a_drift_is_told_once_per_window() -> None:
    world, _ = lived(3, shift=8.0)
    report = world.run(now=START + 3 * DAY)
    assert [(alert.kind, alert.end, alert.names) for alert in report.raised] == [("drift", START + 3 * DAY, ("temp",))]
    assert world.run(now=START + 3 * DAY + 60).raised == ()
    (event,) = world.platform.events.recent()
    assert event.id == "air/delays/drift/2013-01-04T00:00:00Z"
    assert (event.type, event.source, event.subject) == ("loopwright.drift.detected", "loopwright/air", "delays")
    assert str(event.data["detail"]).startswith("temp psi ")
    assert world.monitor.history("delays").alerts() == list(report.raised)


def test_a_window_that_is_not_over_is_counted_but_not_judged() -> None:
    world, _ = lived(1, shift=8.0)
    report = world.run(now=START + DAY - 1)
    assert (report.rows, report.newest) == (150, None)
    assert [alert.kind for alert in world.run(now=START + DAY).raised] == ["drift"]


def test_after_a_promotion_older_rows_are_not_compared_with_the_new_profile() -> None:
    world, _ = lived(3, shift=8.0)
    world.promote(PROFILE)
    world.log(rows_at(day(3, 150), seed=55, version=2))
    report = world.run(now=START + 4 * DAY)
    assert report.raised == ()
    assert report.newest is not None
    assert report.newest.drift is not None
    assert report.newest.drift.rows == 150


def test_shadows_are_reported_and_never_alerted() -> None:
    world, _ = lived(2)
    world.log(rows_at(day(1, 500), seed=55, arm="shadow", shift=20.0))
    report = world.run(now=START + 2 * DAY)
    assert report.raised == ()
    (shadow,) = [one for one in windows(world) if one.arm == "shadow"]
    assert shadow.drift is not None
    assert shadow.drift.drifted


def test_without_a_champion_nothing_is_judged() -> None:
    world = World()
    world.log(rows_at(day(0, 200), seed=1, shift=20.0))
    report = world.run(now=START + DAY)
    assert (report.rows, report.version, report.newest) == (200, None, None)


def test_broken_data_is_told_apart_from_drift() -> None:
    world, _ = lived(2)
    bad = rows_at(day(2, 150), seed=60)
    bad["origin"][:60] = "XXX"
    world.log(bad)
    report = world.run(now=START + 3 * DAY)
    (alert,) = [one for one in report.raised if one.kind == "quality"]
    assert alert.detail == "origin unknown_category 40.0% (at most 5.0%) over 150 rows"
    assert (alert.start, alert.end) == (START + 2 * DAY, START + 3 * DAY)


def test_lost_performance_is_told_once_labels_and_coverage_suffice() -> None:
    world, rows = lived(3)
    random = np.random.default_rng(0).integers(0, 2, len(rows["score"])).astype(np.float64)
    world.label(ids(rows)[:80], random[:80], at=START + 3 * DAY)
    early = world.run(now=START + 3 * DAY)
    assert early.raised == ()
    assert early.newest is not None
    assert early.newest.loss is not None
    assert not early.newest.loss.enough
    world.label(ids(rows), random, at=START + 4 * DAY)
    report = world.run(now=START + 5 * DAY)
    (alert,) = report.raised
    assert (alert.kind, alert.end, alert.names) == ("performance", START + 3 * DAY, ("roc_auc",))
    assert world.run(now=START + 6 * DAY).raised == ()


def test_good_performance_is_not_lost() -> None:
    world, rows = lived(3)
    world.label(ids(rows), truth_of(rows), at=START + 4 * DAY)
    report = world.run(now=START + 5 * DAY)
    assert report.raised == ()
    assert report.newest is not None
    assert report.newest.loss is not None
    assert report.newest.loss.enough


def test_a_monitor_with_nothing_to_watch_still_counts() -> None:
    world = World().with_model(monitors=Monitors(drift=None, quality=None))
    lived(2, shift=20.0, world=world)
    report = world.run(now=START + 2 * DAY)
    assert (report.rows, report.raised) == (300, ())
    assert [(one.drift, one.quality) for one in windows(world)] == [(None, None)] * 2


def test_windows_merge_into_stretches_of_any_length() -> None:
    world, rows = lived(7)
    world.label(ids(rows), truth_of(rows), at=START + 7 * DAY)
    world.run(now=START + 8 * DAY)
    history = world.monitor.history("delays")
    weeks = history.stretches(timedelta(days=7), since=START)
    assert [(one.start, one.end, one.rows) for one in weeks] == [(START, START + 7 * DAY, 1_050)]
    assert weeks[0].performance is None
    assert weeks[0].drift is not None
    assert weeks[0].drift.enough
    threes = history.stretches(timedelta(days=3), since=START)
    assert [one.rows for one in threes] == [450, 450, 150]
    assert [one.performance is not None for one in threes] == [True, True, False]


def test_a_window_tells_latency_classes_ages_and_what_to_expect() -> None:
    world, rows = lived(1, each=600)
    world.run(now=START + DAY)
    (window,) = windows(world)
    latency = rows["latency_ms"].astype(np.float64)
    assert window.latency[0.5] == pytest.approx(np.median(latency), rel=0.1)
    assert window.latency[0.95] == pytest.approx(np.quantile(latency, 0.95), rel=0.1)
    assert window.classes["1"] == int((rows["prediction"] == "1").sum())
    assert window.ages["weather"].stale_share == 0.0
    assert window.ages["weather"].median == pytest.approx(1.5 * 3600, rel=0.2)
    assert window.estimated["roc_auc"] > 0.9


def test_history_is_read_by_stretch_of_time() -> None:
    world, _ = lived(5)
    world.run(now=START + 5 * DAY)
    found = world.monitor.history("delays").windows(since=START + DAY, until=START + 3 * DAY)
    assert [one.start for one in found] == [START + DAY, START + 2 * DAY]


def test_the_lake_versions_that_the_next_run_needs_are_told() -> None:
    world, rows = lived(1)
    assert world.monitor.versions_needed("delays") == {}
    world.run(now=START + DAY)
    assert world.monitor.versions_needed("delays") == {"predictions/delays": 0}
    world.label(ids(rows), truth_of(rows), at=START + DAY)
    world.run(now=START + DAY)
    assert world.monitor.versions_needed("delays") == {"predictions/delays": 0, "labels/delays": 0}


def test_multiclass_labels_are_texts() -> None:
    monitors = Monitors(drift=Drift(minimum_rows=100))
    gate = replace(MODEL.gate, metric="accuracy")
    world = World().with_model(task="multiclass", metrics=("accuracy", "macro_f1"), gate=gate, monitors=monitors)
    rows = rows_at(day(0, 90), seed=1)
    rows["prediction"] = np.array(["a", "b", "c"] * 30, dtype=object)
    world.log(rows)
    truth = np.array(["a", "b", "b"] * 30, dtype=object)
    world.label(ids(rows), truth, at=START + DAY)
    world.run(now=START + DAY)
    (window,) = windows(world)
    assert window.performance is not None
    assert window.performance.value == pytest.approx(2 / 3)
    assert set(window.performance.others) == {"macro_f1"}
