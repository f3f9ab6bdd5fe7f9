"""Metrics of a ranking: how well scores order the positive rows before the negative ones. Ties count as ties."""

import math

import numpy as np
from numpy.typing import NDArray

from loopwright.metrics.answers import Statistic, weighted_sum


def roc_auc(target: NDArray[np.float64], score: NDArray[np.float64]) -> Statistic:
    """Return the area under the ROC curve: P(positive above negative) + P(tie) / 2 (Mann and Whitney 1947).

    It is the sum over positives of weight · (negatives below + negatives level / 2), divided by all positives · all
    negatives. Where each positive stands among the negatives is looked up once; a resample changes weights alone.
    """
    negative = np.flatnonzero(target <= 0)
    negative = negative[np.argsort(score[negative], kind="stable")]
    positive = np.flatnonzero(target > 0)
    left, right = (np.searchsorted(score[negative], score[positive], side) for side in ("left", "right"))
    tied = bool((left != right).any())

    def area(weights: NDArray[np.float64]) -> float:
        below = np.zeros(len(negative) + 1)
        weights.take(negative).cumsum(out=below[1:])
        positives = weights.take(positive)
        total = float(positives.sum()) * float(below[-1])
        if total == 0:
            return math.nan
        under = (below.take(left) + below.take(right)) / 2 if tied else below.take(left)
        return weighted_sum(positives, under) / total

    return area


def average_precision(target: NDArray[np.float64], score: NDArray[np.float64]) -> Statistic:
    """Return the mean over thresholds of precision, weighted by the recall that the threshold adds.

    AP = sum over n of (R(n) - R(n-1)) · P(n), thresholds being the distinct scores from the highest down; the sum is
    not interpolated (Manning, Raghavan and Schütze 2008, chapter 8; scikit-learn's `average_precision_score`).
    """
    order, starts, truth = _groups(target, -score)

    def average(weights: NDArray[np.float64]) -> float:
        positives, negatives = _group_weights(weights[order], starts, truth)
        total = float(positives.sum())
        if total == 0:
            return math.nan
        found = np.cumsum(positives)
        taken = found + np.cumsum(negatives)
        precision = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0)
        return weighted_sum(positives, precision) / total

    return average


def _groups(
    target: NDArray[np.float64], score: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp] | None, NDArray[np.bool_]]:
    """Return the order of ascending scores, where each group of equal scores starts (None: all differ), the truth."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    first = np.ones(len(order), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    starts = None if first.all() else np.flatnonzero(first)
    return order, starts, target[order] > 0


def _group_weights(
    weights: NDArray[np.float64], starts: NDArray[np.intp] | None, truth: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    positives = weights * truth
    negatives = weights - positives
    if starts is None:
        return positives, negatives
    return np.add.reduceat(positives, starts), np.add.reduceat(negatives, starts)
