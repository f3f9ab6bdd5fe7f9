"""Whether live rows still look like the training rows, feature by feature, from counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loopwright.definitions.rules import Drift, DriftMeasure
from loopwright.monitoring import distances
from loopwright.monitoring.bins import NUMERIC_BINS, Bins
from loopwright.monitoring.profiles import FeatureProfile, Profile

SCORE: Final = "score"
"""The name under which the drift of the scores themselves is reported."""


@dataclass(frozen=True, slots=True)
class FeatureDrift:
    """How far one feature's live values are from the training's.

    Attributes:
        feature: its name, or `SCORE`.
        rows: live rows with a value.
        psi, ks, kl, js: see `distances`; for texts `ks` is the total variation.
        p_value: of Kolmogorov–Smirnov when that is the measure and the feature a number, else of Pearson's chi-square.
        adjusted: the p-value after Benjamini–Hochberg over the features of the window.
        drifted: the measure is at its threshold or above, and the adjusted p-value at the significance or under.
    """

    feature: str
    rows: int
    psi: float
    ks: float
    kl: float
    js: float
    p_value: float
    adjusted: float
    drifted: bool

    def measure(self, name: DriftMeasure) -> float:
        """Return the measure of that name."""
        return {"psi": self.psi, "ks": self.ks, "kl": self.kl, "js": self.js}[name]


@dataclass(frozen=True, slots=True)
class DriftResult:
    """The drift of a window.

    Attributes:
        rows: live rows.
        enough: whether there are as many as the rule wants; with fewer nothing counts as drifted.
        features: the watched features in the order of the rule, or of the profile.
        score: the drift of the scores against those on held-out rows; reported, it decides nothing. None: no scores.
        drifted: whether as many features have drifted as the rule wants.
    """

    rows: int
    enough: bool
    features: tuple[FeatureDrift, ...]
    score: FeatureDrift | None
    drifted: bool

    @property
    def drifted_features(self) -> tuple[str, ...]:
        """The names of the features that have drifted."""
        return tuple(one.feature for one in self.features if one.drifted)


def compare(
    profile: Profile,
    live: Mapping[str, Sequence[int]],
    rule: Drift,
    *,
    rows: int,
    features: Sequence[str],
    scores: Sequence[int] = (),
) -> DriftResult:
    """Compare live counts with a profile.

    Args:
        profile: of the model version that made these predictions.
        live: counts by feature over the profile's bins, nulls left out.
        rule: the thresholds.
        rows: live rows.
        features: which to compare, unless the rule names some; those without profile or counts are left out.
        scores: counts over the profile's score bins.
    """
    enough = rows >= rule.minimum_rows
    watched = [name for name in rule.features or features if name in profile.features and name in live]
    found = [feature_drift(name, profile.features[name], live[name], rule) for name in watched]
    fair = distances.adjusted([one.p_value for one in found])
    judged = tuple(
        replace(
            one,
            adjusted=float(q),
            drifted=enough and one.measure(rule.measure) >= rule.threshold and float(q) <= rule.significance,
        )
        for one, q in zip(found, fair, strict=True)
    )
    drifted = sum(one.drifted for one in judged) >= rule.minimum_features
    return DriftResult(rows, enough, judged, score_drift(profile, scores, rule) if len(scores) else None, drifted)


def feature_drift(name: str, profile: FeatureProfile, live: Sequence[int], rule: Drift) -> FeatureDrift:
    """Return the drift of one feature by itself, its p-value not yet adjusted."""
    return _drift(name, np.asarray(profile.counts), np.asarray(live), rule, ordered=profile.bins.kind == "number")


def score_drift(profile: Profile, live: Sequence[int], rule: Drift) -> FeatureDrift:
    """Return the drift of the scores, over at most `NUMERIC_BINS` bins: finer ones would let chance look like drift."""
    reference = coarse(profile.scores.bins, np.asarray(profile.scores.counts))
    found = _drift(SCORE, reference, coarse(profile.scores.bins, np.asarray(live)), rule, ordered=True)
    fits = found.measure(rule.measure) >= rule.threshold and found.p_value <= rule.significance
    return replace(found, drifted=found.rows >= rule.minimum_rows and fits)


def coarse(bins: Bins, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the counts with neighbouring bins added together, so that at most `NUMERIC_BINS` are left."""
    step = -(-bins.size // NUMERIC_BINS)
    return np.add.reduceat(counts, np.arange(0, bins.size, step))


def _drift(
    name: str, reference: NDArray[np.int64], live: NDArray[np.int64], rule: Drift, *, ordered: bool
) -> FeatureDrift:
    rows = int(live.sum())
    if not rows or not reference.sum():
        return FeatureDrift(name, rows, psi=0.0, ks=0.0, kl=0.0, js=0.0, p_value=1.0, adjusted=1.0, drifted=False)
    ks = float((distances.ks if ordered else distances.total_variation)(reference, live))
    if rule.measure == "ks" and ordered:
        p_value = distances.ks_p_value(ks, float(reference.sum()), rows)
    else:
        p_value = distances.homogeneity_p_value(reference, live)
    return FeatureDrift(
        feature=name,
        rows=rows,
        psi=float(distances.psi(reference, live)),
        ks=ks,
        kl=float(distances.kl(reference, live)),
        js=float(distances.js(reference, live)),
        p_value=p_value,
        adjusted=p_value,
        drifted=False,
    )
