"""Metrics that are a mean of something per row, and those of a confusion matrix."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from loopwright.metrics.answers import THRESHOLD, Answers, Statistic, ratio, untold, weighted_sum

_EPSILON = float(np.finfo(np.float64).eps)
"""Probabilities are clipped to [eps, 1 - eps] before their logarithm, as scikit-learn does."""


def binary_log_loss(target: NDArray[np.float64], score: NDArray[np.float64]) -> Statistic:
    """Return the mean of -log of the probability that was given to the truth, clipped (Good 1952)."""
    given = np.where(target > 0, score, 1 - score)
    return _mean(-np.log(np.clip(given, _EPSILON, 1 - _EPSILON)))


def brier(target: NDArray[np.float64], score: NDArray[np.float64]) -> Statistic:
    """Return the mean of (probability - truth)² (Brier 1950)."""
    return _mean((score - target) ** 2)


def binary_accuracy(target: NDArray[np.float64], score: NDArray[np.float64]) -> Statistic:
    """Return the share of rows whose score is on the truth's side of `THRESHOLD`."""
    return _mean(((score >= THRESHOLD) == (target > 0)).astype(np.float64))


def mae(target: NDArray[np.float64], score: NDArray[np.float64]) -> Statistic:
    """Return the mean of |value - truth|."""
    return _mean(np.abs(score - target))


def rmse(target: NDArray[np.float64], score: NDArray[np.float64]) -> Statistic:
    """Return the root of the mean of (value - truth)²."""
    mean = _mean((score - target) ** 2)
    return lambda weights: np.sqrt(mean(weights))


def r2(target: NDArray[np.float64], score: NDArray[np.float64]) -> Statistic:
    """Return 1 - sum of (value - truth)² / sum of (truth - mean truth)²."""
    squares = (score - target) ** 2
    # Sums of squares lose their digits when the target is far from 0; a shift changes nothing else.
    centred = target - target.mean() if len(target) else target

    def explained(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        mean = ratio(weighted_sum(weights, centred), weights.sum(axis=-1))
        variance = weighted_sum(weights, (centred - mean[..., None]) ** 2)
        enough = np.count_nonzero(weights, axis=-1) >= 2  # noqa: PLR2004 - one row has no variance
        return 1 - ratio(weighted_sum(weights, squares), np.where(enough, variance, 0.0))

    return explained


def multiclass_log_loss(target: NDArray[np.object_], answers: Answers) -> Statistic:
    """Return the mean of -log of the probability that was given to the truth, clipped; 0 for a class not known."""
    if answers.probabilities is None:
        return untold
    place = {name: number for number, name in enumerate(answers.classes)}
    columns = np.fromiter((place.get(str(one), -1) for one in target), dtype=np.intp, count=len(target))
    given = np.where(columns >= 0, answers.probabilities[np.arange(len(target)), columns], 0.0)
    return _mean(-np.log(np.clip(given, _EPSILON, 1 - _EPSILON)))


def multiclass_accuracy(target: NDArray[np.object_], prediction: NDArray[np.object_]) -> Statistic:
    """Return the share of rows whose predicted class is the true one."""
    return _mean((target == prediction).astype(np.float64))


def macro_f1(target: NDArray[np.object_], prediction: NDArray[np.object_]) -> Statistic:
    """Return the mean over classes of 2 · hits / (true rows + predicted rows).

    The classes are those of the rows with weight, true or predicted, so none of them divides by 0.
    """
    truth, guess, count = _codes(target, prediction)
    hit = truth == guess

    def one(weights: NDArray[np.float64]) -> float:
        true_rows = np.bincount(truth, weights, minlength=count)
        predicted_rows = np.bincount(guess, weights, minlength=count)
        hits = np.bincount(truth, weights * hit, minlength=count)
        seen = (true_rows + predicted_rows) > 0
        return float(np.mean(2 * hits[seen] / (true_rows + predicted_rows)[seen])) if seen.any() else math.nan

    def mean(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.apply_along_axis(one, -1, weights)

    return mean


def _codes(
    target: Sequence[object] | NDArray[np.object_], prediction: Sequence[object] | NDArray[np.object_]
) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    numbers: dict[object, int] = {}
    codes = [
        np.fromiter((numbers.setdefault(one, len(numbers)) for one in rows), dtype=np.intp, count=len(rows))
        for rows in (target, prediction)
    ]
    return codes[0], codes[1], len(numbers)


def _mean(values: NDArray[np.float64]) -> Statistic:
    return lambda weights: ratio(weighted_sum(weights, values), weights.sum(axis=-1))
