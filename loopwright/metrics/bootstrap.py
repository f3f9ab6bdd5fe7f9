"""How sure a metric is: the percentile bootstrap (Efron 1979), on weights instead of copied rows.

Drawing n rows of n with replacement is the same as weighting each row by how often it was drawn. So rows are sorted
and looked up once, and a resample costs a few passes over n numbers.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array
from loopwright.definitions.model import SMALLER_IS_BETTER, Task
from loopwright.metrics.answers import Answers, Statistic
from loopwright.metrics.measure import statistic

_TOGETHER: Final = 16_384
"""So many rows are drawn at once: as many as a processor keeps at hand."""

_KEPT: Final = 100_000
"""Draws of at most so many rows in all are kept to be used again: under a megabyte."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A metric and the interval that holds it with some confidence; all NaN when it cannot be told."""

    value: float
    low: float
    high: float


def interval(
    task: Task,
    metric: str,
    target: Array,
    answers: Answers,
    *,
    confidence: float = 0.95,
    resamples: int = 500,
    seed: int = 0,
) -> Interval:
    """Return the metric with its percentile bootstrap interval; equal arguments give equal intervals.

    Resamples in which the metric cannot be told (a class is missing) are left out.

    Raises:
        InvalidInputError: as `measure`.
    """
    evaluate = statistic(task, metric, target, answers)
    value = float(evaluate(np.ones(len(target))))
    if math.isnan(value):
        return Interval(value, math.nan, math.nan)
    values = _all(evaluate, len(target), resamples, seed)
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return Interval(value, math.nan, math.nan)
    tail = (1 - confidence) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return Interval(value, float(low), float(high))


def share_better(
    task: Task,
    metric: str,
    target: Array,
    candidate: Answers,
    champion: Answers,
    *,
    margin: float = 0.0,
    resamples: int = 500,
    seed: int = 0,
) -> float:
    """Return the share of resamples in which the candidate beats the champion by more than `margin` (paired bootstrap).

    Both are measured on the same drawn rows. Resamples in which either cannot be told count against the candidate;
    if the metric can be told in none, the share is NaN. A negative margin lets a candidate pass that is as good.

    Raises:
        InvalidInputError: as `measure`.
    """
    first = statistic(task, metric, target, candidate)
    second = statistic(task, metric, target, champion)
    sign = -1.0 if metric in SMALLER_IS_BETTER else 1.0
    gains = _all(lambda weights: sign * (first(weights) - second(weights)), len(target), resamples, seed)
    return math.nan if np.isnan(gains).all() else float(np.mean(gains > margin))


def _all(evaluate: Statistic, rows: int, resamples: int, seed: int) -> NDArray[np.float64]:
    """Return what comes out for each resample."""
    return np.concatenate([np.empty(0), *map(evaluate, _draws(rows, resamples, seed))])


def _draws(rows: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield, for some resamples at a time, how often each row was drawn: [some, rows]."""
    if rows * resamples <= _KEPT:
        yield from _kept_draws(rows, resamples, seed)
    else:
        yield from _fresh_draws(rows, resamples, seed)


@lru_cache(maxsize=4)
def _kept_draws(rows: int, resamples: int, seed: int) -> tuple[NDArray[np.float64], ...]:
    """Return the draws of a small sample: who measures window after window draws as many rows again and again."""
    return tuple(_fresh_draws(rows, resamples, seed))


def _fresh_draws(rows: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    generator = np.random.default_rng(seed)
    together = max(_TOGETHER // max(rows, 1), 1)
    for first in range(0, resamples if rows else 0, together):
        count = min(together, resamples - first)
        drawn = generator.integers(0, rows, (count, rows), dtype=np.uint32) + np.arange(count)[:, None] * rows
        yield np.bincount(drawn.ravel(), minlength=count * rows).reshape(count, rows).astype(np.float64)
