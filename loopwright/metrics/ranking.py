"""Metrics of a ranking: how well scores order the positive rows before the negative ones. Ties count as ties."""

import numpy as np
from numpy.typing import NDArray

from loopwright.metrics.answers import Statistic, ratio, weighted_sum


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

    def area(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        below = np.zeros((*weights.shape[:-1], len(negative) + 1))
        np.cumsum(weights.take(negative, axis=-1), axis=-1, out=below[..., 1:])
        positives = weights.take(positive, axis=-1)
        under = below.take(left, axis=-1)
        if tied:
            under = (under + below.take(right, axis=-1)) / 2
        return ratio(weighted_sum(positives, under), positives.sum(axis=-1) * below[..., -1])

    return area


def average_precision(target: NDArray[np.float64], score: NDArray[np.float64]) -> Statistic:
    """Return the mean over thresholds of precision, weighted by the recall that the threshold adds.

    AP = sum over n of (R(n) - R(n-1)) · P(n), thresholds being the distinct scores from the highest down; the sum is
    not interpolated (Manning, Raghavan and Schütze 2008, chapter 8; scikit-learn's `average_precision_score`).
    """
    order, starts, truth = _groups(target, -score)

    def average(weights: NDArray[np.float64]) -> NDArray[np.float64]:
        positives, negatives = _group_weights(weights.take(order, axis=-1), starts, truth)
        found = np.cumsum(positives, axis=-1)
        taken = found + np.cumsum(negatives, axis=-1)
        precision = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0)
        return ratio(weighted_sum(positives, precision), positives.sum(axis=-1))

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
    return np.add.reduceat(positives, starts, axis=-1), np.add.reduceat(negatives, starts, axis=-1)
