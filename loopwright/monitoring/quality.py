"""Whether live data is broken, whatever its distribution: nulls, values out of range, unknown texts, stale rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from loopwright.definitions.rules import DataQuality
from loopwright.monitoring.profiles import FeatureProfile, Profile
from loopwright.monitoring.windows import FeatureCounts, WindowCounts

Check = Literal["nulls", "out_of_range", "unknown_category", "stale"]


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """One share of rows, and the limit that it may reach. `name` is a feature's, or a view's when rows are stale."""

    check: Check
    name: str
    share: float
    limit: float

    @property
    def broken(self) -> bool:
        """Whether the share is over its limit."""
        return self.share > self.limit


@dataclass(frozen=True, slots=True)
class QualityResult:
    """The data quality of a window: findings with a share above 0, and whether there are rows enough to judge."""

    rows: int
    enough: bool
    findings: tuple[QualityFinding, ...]

    @property
    def broken(self) -> tuple[QualityFinding, ...]:
        """The findings over their limits, where there are rows enough."""
        return tuple(one for one in self.findings if one.broken) if self.enough else ()


def check_quality(profile: Profile | None, counts: WindowCounts, rule: DataQuality) -> QualityResult:
    """Return the data quality of a window's counts.

    A null counts against the limit as far as there are more of them than at training: a column that was half empty
    then may be so now. Without a profile only staleness is known.
    """
    found = [*_stale(counts, rule)]
    for name, one in counts.features.items():
        if profile and name in profile.features:
            found += _feature(name, profile.features[name], one, rule)
    findings = tuple(one for one in found if one.share > 0)
    return QualityResult(counts.rows, counts.rows >= rule.minimum_rows, findings)


def unknown_rows(profile: FeatureProfile, counts: FeatureCounts) -> int:
    """Return how many rows have a text that is not among the known categories; 0 where any text is known."""
    if profile.known is None or profile.bins.kind == "number":
        return 0
    known = set(profile.known)
    named = zip(profile.bins.categories, counts.bins, strict=False)
    return counts.bins[-1] + sum(count for name, count in named if name not in known)


def _feature(name: str, profile: FeatureProfile, counts: FeatureCounts, rule: DataQuality) -> Iterator[QualityFinding]:
    rows = sum(counts.bins) + counts.nulls
    if not rows:
        return
    limit = min(profile.null_share + rule.maximum_null_share, 1.0)
    yield QualityFinding("nulls", name, counts.nulls / rows, limit)
    yield QualityFinding("out_of_range", name, counts.out_of_range / rows, rule.maximum_out_of_range_share)
    unknown = unknown_rows(profile, counts)
    yield QualityFinding("unknown_category", name, unknown / rows, rule.maximum_unknown_category_share)


def _stale(counts: WindowCounts, rule: DataQuality) -> Iterator[QualityFinding]:
    for view, ages in counts.ages.items():
        yield QualityFinding("stale", view, ages.stale_share, rule.maximum_stale_share)
