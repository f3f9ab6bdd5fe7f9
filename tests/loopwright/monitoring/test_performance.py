from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, brier_score_loss, roc_auc_score

from loopwright.definitions.rules import Performance
from loopwright.metrics import Answers
from loopwright.monitoring.performance import MOST_RESAMPLED, Measured, calibration, estimated, judge, measured
from loopwright.monitoring.profiles import build_profile
from tests.loopwright.monitoring.world import MODEL, START, profile_of, rows_at, truth_of

RULE = Performance("roc_auc", minimum=0.7, maximum_drop=0.05, minimum_labels=100, minimum_coverage=0.5)


def seen(value: float, *, width: float = 0.01, rows: int = 1_000, labels: int = 900) -> Measured:
    return Measured("roc_auc", value, value - width, value + width, rows, labels, {})


def test_it_is_lost_only_if_the_whole_interval_is_on_the_wrong_side() -> None:
    assert not judge(RULE, seen(0.695), training=None).lost
    assert judge(RULE, seen(0.685), training=None).lost


def test_a_drop_from_training_counts_too() -> None:
    assert not judge(RULE, seen(0.80), training=0.85).lost
    found = judge(RULE, seen(0.78), training=0.85)
    assert found.lost
    assert found.why == "roc_auc 0.7800 [0.7700, 0.7900] of 900 labels is worse than training allows, 0.8000"


def test_an_error_is_lost_when_it_grows() -> None:
    rule = replace(RULE, metric="log_loss", minimum=0.6, maximum_drop=0.1)
    grown = Measured("log_loss", 0.65, 0.62, 0.68, 1_000, 900, {})
    assert judge(rule, grown, training=None).lost
    assert judge(rule, replace(grown, low=0.59), training=0.45).lost
    assert not judge(rule, replace(grown, low=0.59), training=0.5).lost


@pytest.mark.parametrize(("rows", "labels"), [(1_000, 99), (1_000, 499), (0, 0)])
def test_few_labels_or_little_coverage_decide_nothing(rows: int, labels: int) -> None:
    found = judge(RULE, seen(0.1, rows=rows, labels=labels), training=0.9)
    assert not found.lost
    assert not found.enough


def test_a_metric_that_cannot_be_told_decides_nothing() -> None:
    found = judge(RULE, Measured("roc_auc", None, None, None, 1_000, 900, {}), training=0.9)
    assert (found.lost, found.enough) == (False, False)


def test_metrics_are_those_of_scikit_learn() -> None:
    rows = rows_at(np.full(3_000, START), seed=1)
    score, target = rows["score"].astype(np.float64), truth_of(rows)
    found = measured(MODEL, target, Answers(score), rows=4_000)
    assert found.value is not None
    assert found.value == pytest.approx(roc_auc_score(target, score))
    assert found.others["brier"] == pytest.approx(brier_score_loss(target, score))
    assert found.others["accuracy"] == pytest.approx(accuracy_score(target, score >= 0.5))
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert found.coverage == 0.75


def test_without_labels_there_is_no_metric_but_a_coverage() -> None:
    found = measured(MODEL, np.empty(0), Answers(np.empty(0)), rows=10)
    assert (found.value, found.low, found.others, found.coverage) == (None, None, {}, 0.0)


def test_the_interval_of_many_rows_is_as_wide_as_they_deserve() -> None:
    rows = rows_at(np.full(4 * MOST_RESAMPLED, START), seed=1)
    score, target = rows["score"].astype(np.float64), truth_of(rows, noise=0.4)
    few, many = (
        measured(MODEL, target[:size], Answers(score[:size]), rows=size) for size in (MOST_RESAMPLED, len(score))
    )
    assert few.low is not None
    assert few.high is not None
    assert many.low is not None
    assert many.high is not None
    assert many.value == pytest.approx(roc_auc_score(target, score))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(2.0, rel=0.3)


def test_what_scores_promise_comes_true_if_the_world_has_not_changed() -> None:
    profile = profile_of(rows=20_000)
    rows = rows_at(np.full(20_000, START), seed=7)
    score, target = rows["score"].astype(np.float64), truth_of(rows, seed=7)
    counts = profile.scores.bins.count(score)[:-1]
    found = estimated("binary", profile, counts.tolist())
    assert found["roc_auc"] == pytest.approx(roc_auc_score(target, score), abs=0.01)
    assert found["accuracy"] == pytest.approx(accuracy_score(target, score >= 0.5), abs=0.01)


def test_a_shift_to_unsure_scores_promises_less() -> None:
    profile = profile_of(rows=20_000)
    unsure = profile.scores.bins.count(np.random.default_rng(0).uniform(0.4, 0.6, 5_000))[:-1]
    sure = profile.scores.bins.count(np.random.default_rng(0).random(5_000))[:-1]
    assert estimated("binary", profile, unsure.tolist())["roc_auc"] < 0.8
    assert estimated("binary", profile, sure.tolist())["roc_auc"] > 0.9


def test_calibration_rises_with_the_score() -> None:
    chance = calibration(profile_of().scores)
    assert (np.diff(chance) >= 0).all()
    assert 0 <= chance[0] < 0.1
    assert 0.9 < chance[-1] <= 1


def test_no_scores_and_regression_promise_nothing() -> None:
    profile = profile_of()
    assert estimated("binary", profile, [0] * profile.scores.bins.size) == {}
    columns = rows_at(np.full(10, START), seed=1)
    rule = replace(MODEL.gate, metric="rmse")
    monitors = replace(MODEL.monitors, performance=None)
    regression = replace(MODEL, task="regression", metrics=("rmse",), gate=rule, monitors=monitors)
    bare = build_profile(regression, columns, scores=np.arange(9.0), target=np.arange(9.0))
    assert estimated("regression", bare, [1] * bare.scores.bins.size) == {}
