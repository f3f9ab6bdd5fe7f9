import math

import numpy as np
import pytest
from numpy.typing import NDArray

from loopwright.metrics import Answers, Interval, interval, measure, share_better

Floats = NDArray[np.float64]


def flights(rows: int, *, skill: float, seed: int) -> tuple[Floats, Answers]:
    chance = np.random.default_rng(seed)
    target = (chance.random(rows) < 0.3).astype(float)
    return target, Answers(skill * target + chance.normal(size=rows))


def test_the_interval_holds_the_metric_and_narrows_with_more_rows() -> None:
    few = interval("binary", "roc_auc", *flights(200, skill=1.0, seed=1))
    many = interval("binary", "roc_auc", *flights(20_000, skill=1.0, seed=1), resamples=100)
    assert few.low < few.value < few.high
    assert many.low < many.value < many.high
    assert many.high - many.low < (few.high - few.low) / 5


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    # For a normal score that skill shifts by 1, the area is P(difference of two normals > -1) = Phi(1 / sqrt 2).
    truth = 0.5 * (1 + math.erf(0.5))
    found = [
        interval("binary", "roc_auc", *flights(400, skill=1.0, seed=seed), confidence=0.9, resamples=150)
        for seed in range(60)
    ]
    assert 46 <= sum(one.low <= truth <= one.high for one in found) <= 60


def test_equal_seeds_give_equal_intervals_and_other_seeds_others() -> None:
    target, answers = flights(300, skill=0.5, seed=2)
    assert interval("binary", "brier", target, answers) == interval("binary", "brier", target, answers)
    assert interval("binary", "brier", target, answers) != interval("binary", "brier", target, answers, seed=1)


def test_the_interval_is_that_of_copied_rows() -> None:
    target, answers = flights(120, skill=0.7, seed=3)
    chance = np.random.default_rng(0)
    copies = [chance.integers(0, 120, 120) for _ in range(50)]
    values = [measure("binary", "roc_auc", target[rows], answers.take(rows)) for rows in copies]
    found = interval("binary", "roc_auc", target, answers, resamples=50)
    assert (found.low, found.high) == pytest.approx(np.quantile(values, [0.025, 0.975]))


def test_what_cannot_be_told_has_no_interval() -> None:
    found = interval("binary", "roc_auc", np.ones(10), Answers(np.ones(10)))
    assert all(math.isnan(value) for value in (found.value, found.low, found.high))


def test_without_resamples_there_is_a_value_but_no_interval() -> None:
    found = interval("binary", "brier", np.array([1.0, 0.0]), Answers(np.array([0.9, 0.1])), resamples=0)
    assert found.value == pytest.approx(0.01)
    assert math.isnan(found.low)


def test_resamples_without_a_class_are_left_out() -> None:
    found = interval("binary", "roc_auc", np.array([1.0, 0.0]), Answers(np.array([0.9, 0.1])))
    assert found == Interval(1.0, 1.0, 1.0)


def test_a_better_model_wins_nearly_always_and_the_same_never() -> None:
    target, good = flights(2_000, skill=1.0, seed=4)
    poor = Answers(np.random.default_rng(5).normal(size=2_000))
    assert share_better("binary", "roc_auc", target, good, poor, resamples=100) == 1.0
    assert share_better("binary", "roc_auc", target, poor, good, resamples=100) == 0.0
    assert share_better("binary", "roc_auc", target, good, good, resamples=100) == 0.0
    assert share_better("binary", "roc_auc", target, good, good, resamples=100, margin=-0.001) == 1.0


def test_for_an_error_better_is_below() -> None:
    target = np.arange(100.0)
    near, far = Answers(target + 1), Answers(target + 2)
    assert share_better("regression", "rmse", target, near, far, resamples=20) == 1.0
    assert share_better("regression", "rmse", target, near, far, resamples=20, margin=1.5) == 0.0


def test_the_share_of_what_cannot_be_told_is_nan() -> None:
    answers = Answers(np.ones(5))
    assert math.isnan(share_better("binary", "roc_auc", np.ones(5), answers, answers, resamples=10))
    nothing = Answers(np.array([]))
    assert math.isnan(share_better("binary", "roc_auc", np.array([]), nothing, nothing))
