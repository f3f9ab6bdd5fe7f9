"""What a model answered, and what a metric makes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

THRESHOLD: Final = 0.5
"""A binary score of at least this answers "1"."""

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From weights [..., n], one a row, to the metric [...]: all that does not depend on the weights was done before."""


def weighted_sum(weights: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sums [...] of weight [..., n] · value [..., n], summed pairwise.

    Not `weights @ values`: BLAS would wake its threads for each of hundreds of resamples, which costs twice the work.
    """
    return np.asarray((weights * values).sum(axis=-1))


def ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return part / whole, and NaN, which says that it cannot be told, where the whole is 0 or less."""
    quotient: NDArray[np.float64] = np.full(np.shape(whole), np.nan)
    np.divide(part, whole, out=quotient, where=np.greater(whole, 0))
    return quotient


def untold(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return NaN for all weights: the metric cannot be told."""
    return np.full(weights.shape[:-1], np.nan)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """A model's answers for n rows.

    Attributes:
        score: float64 [n]. Binary: the probability of the positive class; regression: the value; multiclass: the
            probability of the predicted class.
        prediction: object [n] of str. Multiclass: the predicted class; other tasks do not need it.
        probabilities: float64 [n, k]. Multiclass: of each class, in the order of `classes`; log_loss needs it.
        classes: the k classes of `probabilities`.
    """

    score: NDArray[np.float64]
    prediction: NDArray[np.object_] | None = None
    probabilities: NDArray[np.float64] | None = None
    classes: tuple[str, ...] = ()

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> "Answers":
        """Return the answers for the chosen rows."""
        return Answers(
            score=self.score[rows],
            prediction=None if self.prediction is None else self.prediction[rows],
            probabilities=None if self.probabilities is None else self.probabilities[rows],
            classes=self.classes,
        )
