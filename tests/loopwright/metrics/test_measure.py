"""The metrics, against scikit-learn's on whatever Hypothesis finds."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from loopwright.definitions.model import METRICS, Task
from loopwright.errors import InvalidInputError
from loopwright.metrics import Answers, better, measure

Floats = NDArray[np.float64]

# A coarse grid of scores, so that ties are the rule.
SCORES = st.integers(0, 8).map(lambda number: number / 8) | st.floats(0, 1)
VALUES = st.floats(-1e6, 1e6)
CLASSES = ("ant", "bee", "cat")


@st.composite
def weighted(
    draw: st.DrawFn, targets: st.SearchStrategy[float], scores: st.SearchStrategy[float]
) -> tuple[Floats, ...]:
    rows = draw(st.lists(st.tuples(targets, scores, st.integers(1, 4)), min_size=2, max_size=40))
    target, score, weight = zip(*rows, strict=True)
    return np.array(target, float), np.array(score, float), np.array(weight, float)


def binary(metric: str, target: Floats, score: Floats, weights: Floats) -> float:
    return measure("binary", metric, target, Answers(score), weights=weights)


@settings(max_examples=60, deadline=None)
@given(weighted(st.sampled_from([0.0, 1.0]), SCORES))
def test_binary_metrics_are_those_of_scikit_learn(rows: tuple[Floats, Floats, Floats]) -> None:
    target, score, weights = rows
    assert binary("log_loss", *rows) == pytest.approx(
        sklearn_metrics.log_loss(target, score, sample_weight=weights, labels=[0, 1]), rel=1e-9, abs=1e-12
    )
    assert binary("brier", *rows) == pytest.approx(np.average((score - target) ** 2, weights=weights))
    assert binary("accuracy", *rows) == pytest.approx(
        sklearn_metrics.accuracy_score(target, score >= 0.5, sample_weight=weights)
    )
    if target.any():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wanted = sklearn_metrics.average_precision_score(target, score, sample_weight=weights)
        assert binary("average_precision", *rows) == pytest.approx(wanted)
    if target.any() and not target.all():
        wanted = sklearn_metrics.roc_auc_score(target, score, sample_weight=weights)
        assert binary("roc_auc", *rows) == pytest.approx(wanted)


@settings(max_examples=40, deadline=None)
@given(weighted(VALUES, VALUES))
def test_regression_metrics_are_those_of_scikit_learn(rows: tuple[Floats, Floats, Floats]) -> None:
    target, score, weights = rows
    answers = Answers(score)
    mae = sklearn_metrics.mean_absolute_error(target, score, sample_weight=weights)
    rmse = sklearn_metrics.root_mean_squared_error(target, score, sample_weight=weights)
    assert measure("regression", "mae", target, answers, weights=weights) == pytest.approx(mae)
    assert measure("regression", "rmse", target, answers, weights=weights) == pytest.approx(rmse)
    if np.ptp(target) > 1e-3:
        r2 = sklearn_metrics.r2_score(target, score, sample_weight=weights)
        assert measure("regression", "r2", target, answers, weights=weights) == pytest.approx(r2, rel=1e-6, abs=1e-9)


@st.composite
def classified(draw: st.DrawFn) -> tuple[NDArray[np.object_], Answers, Floats]:
    count = draw(st.integers(2, 25))
    choice = st.lists(st.sampled_from(CLASSES), min_size=count, max_size=count)
    parts = st.lists(st.tuples(*[st.integers(0, 5)] * 3).filter(any), min_size=count, max_size=count)
    shares = np.array(draw(parts), float)
    probabilities = shares / shares.sum(axis=1, keepdims=True)
    prediction = np.array(draw(choice), dtype=object)
    weights = np.array(draw(st.lists(st.integers(1, 4), min_size=count, max_size=count)), float)
    answers = Answers(probabilities.max(axis=1), prediction, probabilities, CLASSES)
    return np.array(draw(choice), dtype=object), answers, weights


@settings(max_examples=40, deadline=None)
@given(classified())
def test_multiclass_metrics_are_those_of_scikit_learn(rows: tuple[NDArray[np.object_], Answers, Floats]) -> None:
    target, answers, weights = rows
    truth, guess = list(target), list(answers.prediction if answers.prediction is not None else ())
    wanted = {
        "accuracy": sklearn_metrics.accuracy_score(truth, guess, sample_weight=weights),
        "macro_f1": sklearn_metrics.f1_score(truth, guess, average="macro", sample_weight=weights),
        "log_loss": sklearn_metrics.log_loss(truth, answers.probabilities, sample_weight=weights, labels=CLASSES),
    }
    for metric, value in wanted.items():
        assert measure("multiclass", metric, target, answers, weights=weights) == pytest.approx(value, rel=1e-9)


@given(weighted(st.sampled_from([0.0, 1.0]), SCORES))
def test_a_weight_of_two_is_the_row_twice(rows: tuple[Floats, Floats, Floats]) -> None:
    target, score, weights = rows
    often = np.repeat(np.arange(len(target)), weights.astype(int))
    for metric in METRICS["binary"]:
        repeated = binary(metric, target[often], score[often], np.ones(len(often)))
        assert binary(metric, target, score, weights) == pytest.approx(repeated, nan_ok=True)


@given(weighted(st.sampled_from([0.0, 1.0]), SCORES))
def test_a_weight_of_zero_is_no_row(rows: tuple[Floats, Floats, Floats]) -> None:
    target, score, weights = rows
    weights = weights - weights.min()
    kept = weights > 0
    for metric in METRICS["binary"]:
        without = binary(metric, target[kept], score[kept], weights[kept])
        assert binary(metric, target, score, weights) == pytest.approx(without, nan_ok=True)


@pytest.mark.parametrize(
    ("task", "metric", "target", "score"),
    [
        ("binary", "roc_auc", [1.0, 1.0], [0.2, 0.3]),
        ("binary", "roc_auc", [0.0, 0.0], [0.2, 0.3]),
        ("binary", "average_precision", [0.0, 0.0], [0.2, 0.3]),
        ("binary", "log_loss", [0.0, 1.0], [math.nan, 0.3]),
        ("binary", "brier", [math.nan, 1.0], [0.1, 0.3]),
        ("regression", "r2", [3.0], [3.0]),
        ("regression", "r2", [3.0, 3.0], [3.0, 2.0]),
    ],
)
def test_a_metric_that_cannot_be_told_is_nan(task: Task, metric: str, target: list[float], score: list[float]) -> None:
    assert math.isnan(measure(task, metric, np.array(target), Answers(np.array(score))))


@pytest.mark.parametrize(("task", "metric"), [(task, metric) for task in METRICS for metric in METRICS[task]])
def test_no_row_tells_nothing(task: Task, metric: str) -> None:
    nothing = np.array([], dtype=object if task == "multiclass" else float)
    answers = Answers(np.array([]), np.array([], dtype=object), np.empty((0, 2)), ("a", "b"))
    assert math.isnan(measure(task, metric, nothing, answers))


def test_a_class_that_the_model_does_not_know_got_no_probability() -> None:
    answers = Answers(np.array([0.9]), np.array(["a"], object), np.array([[0.9, 0.1]]), ("a", "b"))
    known = measure("multiclass", "log_loss", np.array(["b"], object), answers)
    assert known < measure("multiclass", "log_loss", np.array(["c"], object), answers) < math.inf


def test_without_probabilities_the_log_loss_of_classes_cannot_be_told() -> None:
    answers = Answers(np.array([0.9]), np.array(["a"], object))
    assert math.isnan(measure("multiclass", "log_loss", np.array(["b"], object), answers))


def test_classes_must_be_given_where_they_count() -> None:
    with pytest.raises(InvalidInputError, match=r"wants Answers\.prediction"):
        measure("multiclass", "macro_f1", np.array(["b"], object), Answers(np.array([0.9])))


def test_a_metric_of_another_task_is_refused_with_a_choice() -> None:
    with pytest.raises(InvalidInputError, match="'rmse' is no metric for binary: use roc_auc"):
        measure("binary", "rmse", np.array([1.0]), Answers(np.array([1.0])))


def test_different_lengths_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="2 true values but 1 answers"):
        measure("binary", "brier", np.array([1.0, 0.0]), Answers(np.array([1.0])))


def test_better_is_below_for_errors_and_above_for_the_rest() -> None:
    assert better("rmse", 1.0, 2.0)
    assert better("roc_auc", 2.0, 1.0)
    assert not better("roc_auc", 1.0, 1.0)
    assert not better("roc_auc", math.nan, 1.0)
    assert not better("rmse", math.nan, 1.0)
