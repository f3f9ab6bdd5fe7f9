"""One door to every metric of every task."""

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array
from loopwright.definitions.model import METRICS, SMALLER_IS_BETTER, Task
from loopwright.errors import InvalidInputError
from loopwright.metrics import averages, ranking
from loopwright.metrics.answers import Answers, Statistic, untold


def measure(
    task: Task, metric: str, target: Array, answers: Answers, *, weights: NDArray[np.float64] | None = None
) -> float:
    """Return one metric of the answers; NaN when it cannot be told (see the package's docstring).

    Args:
        task: what kind of answers these are.
        metric: one of `METRICS[task]`.
        target: the truth [n]. Binary: float 0 and 1; regression: float; multiclass: object of str.
        answers: what the model answered for the same rows.
        weights: one a row, at least 0; None: all 1.

    Raises:
        InvalidInputError: the task has no such metric, or target and answers differ in length.
    """
    return float(statistic(task, metric, target, answers)(np.ones(len(target)) if weights is None else weights))


def better(metric: str, first: float, second: float) -> bool:
    """Say whether the first value of the metric is strictly better than the second; NaN is never better."""
    return first < second if metric in SMALLER_IS_BETTER else first > second


def statistic(task: Task, metric: str, target: Array, answers: Answers) -> Statistic:
    """Do the work that weights do not change, once, and return the metric as a function of weights [..., n], one a row.

    Raises:
        InvalidInputError: as `measure`.
    """
    if metric not in METRICS[task]:
        raise InvalidInputError(f"{metric!r} is no metric for {task}: use {', '.join(METRICS[task])}")
    if len(target) != len(answers.score):
        raise InvalidInputError(f"{metric}: {len(target)} true values but {len(answers.score)} answers")
    if np.isnan(answers.score).any():
        return untold
    if task == "multiclass":
        return _multiclass(metric, target.astype(object), answers)
    truth = target.astype(np.float64)
    if np.isnan(truth).any():
        return untold
    return _numeric(task, metric, truth, answers.score)


def _numeric(task: Task, metric: str, target: NDArray[np.float64], score: NDArray[np.float64]) -> Statistic:
    match metric:
        case "roc_auc":
            return ranking.roc_auc(target, score)
        case "average_precision":
            return ranking.average_precision(target, score)
        case "log_loss":
            return averages.binary_log_loss(target, score)
        case "brier":
            return averages.brier(target, score)
        case "accuracy":
            return averages.binary_accuracy(target, score)
        case "rmse":
            return averages.rmse(target, score)
        case "mae":
            return averages.mae(target, score)
        case "r2":
            return averages.r2(target, score)
        case _:
            raise AssertionError(f"METRICS promises {metric!r} for {task}")


def _multiclass(metric: str, target: NDArray[np.object_], answers: Answers) -> Statistic:
    if metric == "log_loss":
        return averages.multiclass_log_loss(target, answers)
    prediction = answers.prediction
    if prediction is None:
        raise InvalidInputError(f"{metric} of a multiclass model wants Answers.prediction: the predicted classes")
    return (
        averages.macro_f1(target, prediction)
        if metric == "macro_f1"
        else averages.multiclass_accuracy(target, prediction)
    )
