"""Truth that comes late, twice, or never."""

from datetime import timedelta

import numpy as np
import pytest

from loopwright import Label
from loopwright.columns import take
from tests.loopwright.monitoring.world import (
    DAY,
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


def test_a_label_that_lands_late_opens_its_window_again() -> None:
    world, rows = lived(2)
    labels = truth_of(rows)
    world.label(ids(rows)[:100], labels[:100], at=START + DAY)
    world.run(now=START + 2 * DAY)
    first = windows(world)[0].performance
    assert first is not None
    assert first.value == pytest.approx(auc(take(rows, slice(0, 100)), labels[:100]))
    assert first.coverage == pytest.approx(100 / 150)
    world.label(ids(rows)[100:150], labels[100:150], at=START + 9 * DAY)
    assert world.run(now=START + 10 * DAY).labels == 50
    again = windows(world)[0].performance
    assert again is not None
    assert again.value == pytest.approx(auc(take(rows, slice(0, 150)), labels[:150]))
    assert again.coverage == 1.0


def test_cases_that_never_get_a_label_show_in_the_coverage() -> None:
    world, rows = lived(1)
    world.label(ids(rows)[:120], truth_of(rows)[:120], at=START + DAY)
    world.run(now=START + 30 * DAY)
    (window,) = windows(world)
    assert window.performance is not None
    assert (window.performance.labels, window.performance.rows) == (120, 150)


def test_the_newest_truth_wins_whatever_the_order_and_repeats_change_nothing() -> None:
    world, rows = lived(1)
    wrong, right = 1.0 - truth_of(rows), truth_of(rows)
    world.label(ids(rows), right, at=START + 3 * DAY)
    world.run(now=START + 4 * DAY)
    world.label(ids(rows), wrong, at=START + 2 * DAY)
    world.label(ids(rows), right, at=START + 3 * DAY)
    world.run(now=START + 5 * DAY)
    (window,) = windows(world)
    assert window.performance is not None
    assert window.performance.value == pytest.approx(auc(rows, right))
    assert window.performance.labels == 150


def test_a_label_beyond_the_horizon_is_not_scored() -> None:
    world, rows = lived(1)
    world.label(ids(rows), truth_of(rows), at=START + 22 * DAY)
    world.run(now=START + 30 * DAY)
    (window,) = windows(world)
    assert window.performance is None or window.performance.labels == 0


def test_a_label_that_comes_before_its_prediction_is_collected_counts_later() -> None:
    world, _ = lived(1)
    late = rows_at(day(0, 50), seed=77)
    world.label(ids(late), truth_of(late), at=START + DAY)
    world.label(np.array(["nobody"], dtype=object), np.ones(1), at=START + DAY)
    world.run(now=START + DAY)
    world.log(late)
    world.run(now=START + DAY)
    (window,) = windows(world)
    assert window.performance is not None
    assert (window.performance.labels, window.performance.rows) == (50, 200)


def test_a_text_that_is_empty_is_no_label() -> None:
    world, rows = lived(1)
    labels = truth_of(rows)
    labels[:30] = np.nan
    world.label(ids(rows), labels, at=START + DAY)
    world.run(now=START + DAY)
    (window,) = windows(world)
    assert window.performance is not None
    assert window.performance.labels == 120


def test_a_longer_horizon_takes_later_labels() -> None:
    world = World().with_model(label=Label("late", horizon=timedelta(days=40)))
    _, rows = lived(1, world=world)
    world.label(ids(rows), truth_of(rows), at=START + 22 * DAY)
    world.run(now=START + 30 * DAY)
    (window,) = windows(world)
    assert window.performance is not None
    assert window.performance.labels == 150
