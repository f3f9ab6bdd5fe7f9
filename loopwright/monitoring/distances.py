"""How far apart two distributions are, from their counts over the same bins; and whether chance explains it.

Every function takes counts whose last axis is the bins, and works on many windows at once. Nothing is estimated from
raw rows, so counts of hours add up to days and weeks, and a comparison costs microseconds.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

PSEUDO_COUNT = 0.5
"""Added to every bin before a logarithm is taken, so that an empty bin says "rare", not "impossible": the estimator of
Krichevsky and Trofimov (IEEE Trans. Inf. Theory 27, 1981), (n_i + 1/2) / (n + k/2)."""


def psi(reference: ArrayLike, live: ArrayLike) -> Floats:
    """Return the population stability index, sum (p - q) ln(p / q), of smoothed shares; symmetric, at least 0.

    Siddiqi, Credit Risk Scorecards (2006), where under 0.1 is called stable and over 0.25 a shift.
    """
    q, p = smoothed(reference), smoothed(live)
    return np.asarray(np.sum((p - q) * np.log(p / q), axis=-1))


def kl(reference: ArrayLike, live: ArrayLike) -> Floats:
    """Return the Kullback–Leibler divergence of live from reference, sum p ln(p / q), in nats, of smoothed shares."""
    q, p = smoothed(reference), smoothed(live)
    return np.asarray(np.sum(p * np.log(p / q), axis=-1))


def js(reference: ArrayLike, live: ArrayLike) -> Floats:
    """Return the Jensen–Shannon distance, between 0 and 1, symmetric: the root of the divergence to base 2.

    Lin, Divergence measures based on the Shannon entropy (1991); `scipy.spatial.distance.jensenshannon` with base 2.
    """
    q, p = np.broadcast_arrays(shares(reference), shares(live))
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return np.asarray(np.sqrt(np.clip(divergence, 0.0, 1.0)))


def ks(reference: ArrayLike, live: ArrayLike) -> Floats:
    """Return the Kolmogorov–Smirnov distance at the edges of the bins.

    It is at most the exact one, and short of it by at most the fullest bin's share.
    """
    gap = np.cumsum(shares(reference), axis=-1) - np.cumsum(shares(live), axis=-1)
    return np.asarray(np.clip(np.max(np.abs(gap), axis=-1), 0.0, 1.0))


def total_variation(reference: ArrayLike, live: ArrayLike) -> Floats:
    """Return half the sum of |p - q|: what stands for Kolmogorov–Smirnov where bins have no order."""
    return np.asarray(np.abs(shares(reference) - shares(live)).sum(axis=-1) / 2)


def ks_p_value(distance: float, reference_rows: float, live_rows: float) -> float:
    """Return how likely chance makes two samples of one distribution at least this far apart.

    The limit of Kolmogorov with Stephens's correction for finite samples (J. R. Statist. Soc. B 32, 1970):
    Q(x) = 2 sum (-1)^(j-1) exp(-2 j² x²) at x = (√n + 0.12 + 0.11 / √n) D, n = n1 n2 / (n1 + n2). Binned distances are
    a little too small, so this errs on the side of chance.
    """
    if not reference_rows or not live_rows:
        return 1.0
    root = math.sqrt(reference_rows * live_rows / (reference_rows + live_rows))
    x = (root + 0.12 + 0.11 / root) * distance
    if x < 0.2:  # noqa: PLR2004 - the alternating series converges too slowly there, and its limit is 1
        return 1.0
    total = sum((-1.0) ** (j - 1) * math.exp(-2.0 * (j * x) ** 2) for j in range(1, 101))
    return min(max(2.0 * total, 0.0), 1.0)


def homogeneity_p_value(reference: ArrayLike, live: ArrayLike) -> float:
    """Return Pearson's chi-square test of one distribution behind both counts; 1.0 where there is nothing to test.

    Statistic: sum over both rows and all bins of (observed - expected)² / expected, with as many degrees of freedom
    as there are bins that hold anything, less one. `scipy.stats.chi2_contingency` without correction.
    """
    observed = np.stack([np.asarray(reference, dtype=np.float64), np.asarray(live, dtype=np.float64)])
    observed = observed[:, observed.sum(axis=0) > 0]
    rows = observed.sum(axis=1, keepdims=True)
    if observed.shape[1] < 2 or not rows.all():  # noqa: PLR2004 - one bin has no second to differ from
        return 1.0
    expected = rows * observed.sum(axis=0, keepdims=True) / rows.sum()
    statistic = float(((observed - expected) ** 2 / expected).sum())
    return chi_square_tail(statistic, observed.shape[1] - 1)


def chi_square_tail(statistic: float, freedom: int) -> float:
    """Return P(X >= statistic) for chi-square of a whole number of degrees of freedom.

    The closed forms of Abramowitz and Stegun, Handbook of Mathematical Functions (1964), 26.4.4 and 26.4.5.
    """
    if statistic <= 0:
        return 1.0
    half = statistic / 2
    start = 0.0 if freedom % 2 == 0 else 0.5
    exponents = [start + step for step in range(freedom // 2)]
    terms = math.fsum(math.exp(exponent * math.log(half) - half - math.lgamma(exponent + 1)) for exponent in exponents)
    return min(terms + (math.erfc(math.sqrt(half)) if start else 0.0), 1.0)


def adjusted(p_values: ArrayLike) -> Floats:
    """Return p-values adjusted so that those up to q have a false discovery rate of at most q.

    Benjamini and Hochberg, J. R. Statist. Soc. B 57 (1995): the running minimum, from the greatest, of p m / rank.
    """
    values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values)[::-1]
    ranks = np.arange(len(values), 0, -1)
    result = np.empty_like(values)
    result[order] = np.minimum.accumulate(np.minimum(values[order] * len(values) / ranks, 1.0))
    return result


def shares(counts: ArrayLike) -> Floats:
    """Return counts as shares of their sum; zeros where there are no rows."""
    values = np.asarray(counts, dtype=np.float64)
    total = values.sum(axis=-1, keepdims=True)
    return np.asarray(np.divide(values, total, out=np.zeros_like(values), where=total > 0))


def smoothed(counts: ArrayLike) -> Floats:
    """Return counts as shares of their sum, after `PSEUDO_COUNT` more rows in every bin."""
    return shares(np.asarray(counts, dtype=np.float64) + PSEUDO_COUNT)


def _relative_entropy(p: Floats, q: Floats) -> Floats:
    ratio = np.divide(p, q, out=np.ones_like(p), where=p > 0)
    return np.asarray(np.sum(p * np.log2(ratio), axis=-1))
