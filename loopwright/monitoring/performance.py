"""How good the predictions of a stretch of time were, from the labels that have landed; and an estimate until then."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array
from loopwright.definitions.model import SMALLER_IS_BETTER, Model, Task
from loopwright.definitions.rules import Performance
from loopwright.metrics import Answers, better, interval, measure
from loopwright.metrics.bootstrap import Interval
from loopwright.monitoring.profiles import Profile, ScoreProfile

MOST_RESAMPLED: Final = 500
"""More rows than these are thinned before they are resampled."""

_RESAMPLES: Final = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """The performance of one slot.

    Attributes:
        metric: the one that is judged.
        value: over all labelled rows; None: it cannot be told.
        low: the lower end of the 95 % bootstrap interval.
        high: the upper end.
        rows: predictions.
        labels: predictions with a label.
        others: the model's other metrics, where they can be told.
    """

    metric: str
    value: float | None
    low: float | None
    high: float | None
    rows: int
    labels: int
    others: Mapping[str, float]

    @property
    def coverage(self) -> float:
        """The share of predictions with a label: cases that never get one keep it under 1."""
        return self.labels / self.rows if self.rows else 0.0


@dataclass(frozen=True, slots=True)
class Loss:
    """Whether performance counts as lost, and why: for people."""

    lost: bool
    enough: bool
    why: str


def judged_metric(model: Model) -> str:
    """Return the metric that is judged: that of the rule, else that of the gate."""
    return model.monitors.performance.metric if model.monitors.performance else model.gate.metric


def measured(model: Model, target: Array, answers: Answers, *, rows: int, seed: int = 0) -> Measured:
    """Return the performance of labelled answers, out of `rows` predictions.

    The metrics are over all rows. The interval is the percentile bootstrap; beyond `MOST_RESAMPLED` rows, m of n are
    resampled and the interval is scaled by the root of m / n (Bickel, Götze and van Zwet, Statistica Sinica 7, 1997).
    """
    metric = judged_metric(model)
    known = _interval(model.task, metric, target, answers, seed)
    others = {
        name: value
        for name in model.metrics
        if name != metric and math.isfinite(value := measure(model.task, name, target, answers))
    }
    return Measured(metric, _finite(known.value), _finite(known.low), _finite(known.high), rows, len(target), others)


def judge(rule: Performance, found: Measured, training: float | None) -> Loss:
    """Say whether performance is lost: only if the whole interval is on the wrong side of a bound.

    Args:
        rule: the bounds.
        found: of a stretch of one model version.
        training: the metric of that version on held-out rows at training; None: only the minimum decides.
    """
    bounds = _bounds(rule, training)
    if found.labels < rule.minimum_labels or found.coverage < rule.minimum_coverage:
        why = f"{found.labels:,} labels for {found.rows:,} predictions: too few to judge"
        return Loss(lost=False, enough=False, why=why)
    if found.value is None or found.low is None or found.high is None:
        return Loss(lost=False, enough=False, why=f"{rule.metric} cannot be told")
    best = found.low if rule.metric in SMALLER_IS_BETTER else found.high
    told = f"{rule.metric} {found.value:.4f} [{found.low:.4f}, {found.high:.4f}] of {found.labels:,} labels"
    for name, bound in bounds.items():
        if better(rule.metric, bound, best):
            return Loss(lost=True, enough=True, why=f"{told} is worse than {name} {bound:.4f}")
    return Loss(lost=False, enough=True, why=told)


def estimated(task: Task, profile: Profile, scores: Sequence[int]) -> dict[str, float]:
    """Return the metrics that the scores by themselves promise, while no labels are there.

    Confidence-based performance estimation: if scores are calibrated, the expected confusion matrix follows from them
    (CBPE: Białek et al., arXiv 2401.08348, 2024). Scores are calibrated by what held-out rows of the same bin turned
    out to be, made monotone (Zadrozny and Elkan, KDD 2002). It sees a shift of inputs, never one of their meaning.

    Args:
        task: regression has no such estimate.
        profile: of the version that made the predictions.
        scores: counts over the profile's score bins.
    """
    rows = np.asarray(scores, dtype=np.float64)
    if profile.scores.hits is None or not rows.sum():
        return {}
    chance = calibration(profile.scores)
    share = rows / rows.sum()
    if task == "multiclass":
        return {"accuracy": float(share @ chance)}
    return {
        "accuracy": float(share @ np.maximum(chance, 1 - chance)),
        "brier": float(share @ (chance * (1 - chance))),
        "roc_auc": _expected_auc(share * chance, share * (1 - chance)),
    }


def calibration(scores: ScoreProfile) -> NDArray[np.float64]:
    """Return by score bin the chance that a score came true, rising (pool adjacent violators)."""
    pools: list[tuple[float, float, int]] = []
    hits = scores.hits or (0,) * len(scores.counts)
    for hit, count in zip(hits, scores.counts, strict=True):
        pools.append((float(hit), float(count), 1))
        while len(pools) > 1 and _rate(pools[-2]) >= _rate(pools[-1]):
            last, before = pools.pop(), pools.pop()
            pools.append((before[0] + last[0], before[1] + last[1], before[2] + last[2]))
    return np.repeat([_rate(pool) for pool in pools], [pool[2] for pool in pools])


def _rate(pool: tuple[float, float, int]) -> float:
    """Return hits per row of a pool of bins; an empty pool above all others is as sure as can be."""
    return pool[0] / pool[1] if pool[1] else 1.0


def _expected_auc(positives: NDArray[np.float64], negatives: NDArray[np.float64]) -> float:
    below = np.cumsum(negatives) - negatives / 2
    total = positives.sum() * negatives.sum()
    return float((positives * below).sum() / total) if total else 0.5


def _bounds(rule: Performance, training: float | None) -> dict[str, float]:
    bounds = {} if rule.minimum is None else {"the bound": rule.minimum}
    if rule.maximum_drop is not None and training is not None:
        worse = rule.maximum_drop if rule.metric in SMALLER_IS_BETTER else -rule.maximum_drop
        bounds["training allows,"] = training + worse
    return bounds


def _interval(task: Task, metric: str, target: Array, answers: Answers, seed: int) -> Interval:
    if len(target) <= MOST_RESAMPLED:
        return interval(task, metric, target, answers, resamples=_RESAMPLES, seed=seed)
    thinned = np.random.default_rng(seed).choice(len(target), MOST_RESAMPLED, replace=False)
    part = interval(task, metric, target[thinned], answers.take(thinned), resamples=_RESAMPLES, seed=seed)
    value = measure(task, metric, target, answers)
    narrower = math.sqrt(MOST_RESAMPLED / len(target))
    return Interval(value, value - (part.value - part.low) * narrower, value + (part.high - part.value) * narrower)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
