"""What monitoring has found, window by window, read from the table alone: for people, reports and alerts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from loopwright.definitions.model import Model
from loopwright.definitions.rules import Drift
from loopwright.monitoring.alerts import Alert
from loopwright.monitoring.drift import DriftResult, compare
from loopwright.monitoring.performance import Measured, estimated
from loopwright.monitoring.profiles import Profile
from loopwright.monitoring.quality import QualityResult, check_quality
from loopwright.monitoring.store import WindowStore
from loopwright.monitoring.windows import AGE_EDGES, LATENCY_EDGES, AgeCounts, Slot, WindowCounts, merge, quantile
from loopwright.ports.table import Table

_WEEK: Final = 7 * 86_400.0


@dataclass(frozen=True, slots=True)
class AgeResult:
    """How old a view's rows were when they were served: quantiles in seconds, and the share that was not fresh."""

    median: float | None
    p95: float | None
    stale_share: float


@dataclass(frozen=True, slots=True)
class WindowResult:
    """All that is known of one stretch of prediction time, for one arm and one model version.

    Attributes:
        start, end: moments; `end` is not in the stretch.
        arm: champion, canary or shadow.
        version: the model version.
        rows: predictions.
        latency: milliseconds by quantile: 0.5, 0.95, 0.99; empty without a measurement.
        classes: predictions by predicted class.
        ages: by view.
        quality: whether the data is broken; None: not watched.
        drift: against the profile of this version; None: not watched, or no profile.
        performance: measured over this stretch; None: no labels yet, or the stretch has another length.
        estimated: what the scores promise, by metric; empty where they promise nothing.
    """

    start: float
    end: float
    arm: str
    version: int
    rows: int
    latency: Mapping[float, float]
    classes: Mapping[str, int]
    ages: Mapping[str, AgeResult]
    quality: QualityResult | None
    drift: DriftResult | None
    performance: Measured | None
    estimated: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class StretchPerformance:
    """Measured performance over [start, end) of one arm; `version` is `ALL_VERSIONS` for all of them together."""

    start: float
    end: float
    arm: str
    version: int
    measured: Measured


class History:
    """What is known of one model."""

    def __init__(self, table: Table, model: Model) -> None:
        self._store = WindowStore(table, model)
        self._model = model
        self._profiles: dict[int, Profile | None] = {}

    def windows(self, *, since: float | None = None, until: float | None = None) -> list[WindowResult]:
        """Return the windows that start in [since, until), in the order of time, arm and version."""
        length = self._model.monitors.window.total_seconds()
        measured = dict(self._store.all_measured("performance", since=since, until=until))
        return [
            self._result(slot, counts, length=length, performance=measured.get(slot))
            for slot, counts in self._store.all_counts(since=since, until=until)
        ]

    def stretches(
        self, length: timedelta, *, since: float | None = None, until: float | None = None
    ) -> list[WindowResult]:
        """Return windows merged to stretches of `length`, one after another, counted from `since` or from 1970.

        Performance is there where `length` is that of the performance rule and the stretch is over.
        """
        size = length.total_seconds()
        parts: dict[Slot, list[WindowCounts]] = {}
        for slot, counts in self._store.all_counts(since=since, until=until):
            start = _stretch_start(slot.start, size, since)
            parts.setdefault(replace(slot, start=start), []).append(counts)
        judged = size == judged_span(self._model)
        measured = {
            Slot(one.start, one.arm, one.version): one.measured
            for one in (self.performance(since=since, until=until) if judged else ())
        }
        return [
            self._result(slot, merged, length=size, performance=measured.get(slot))
            for slot in sorted(parts)
            if (merged := merge(parts[slot])) is not None
        ]

    def performance(self, *, since: float | None = None, until: float | None = None) -> list[StretchPerformance]:
        """Return measured performance of stretches of the performance rule's length, one after another.

        Counted from `since` or from 1970; for every arm, by version and for all its versions together.
        """
        size, window = judged_span(self._model), self._model.monitors.window.total_seconds()
        found = []
        for slot, measured in self._store.all_measured("merged", since=since, until=until):
            start = slot.start + window - size
            if start == _stretch_start(start, size, since) and (since is None or start >= since):
                found.append(StretchPerformance(start, start + size, slot.arm, slot.version, measured))
        return sorted(found, key=lambda one: (one.start, one.arm, one.version))

    def quality_until(self, end: float, *, arm: str, version: int) -> QualityResult | None:
        """Return the quality of the window that ends at a moment; None where there are no rows, or no rule."""
        monitors = self._model.monitors
        counts = self._counts_until(end, monitors.window, arm, version)
        if counts is None or monitors.quality is None:
            return None
        return check_quality(self.profile(version), counts, monitors.quality)

    def drift_until(self, end: float, *, arm: str, version: int) -> DriftResult | None:
        """Return the drift of the rule's stretch that ends at a moment; None: no rows, no rule, or no profile."""
        rule, profile = self._model.monitors.drift, self.profile(version)
        if rule is None or profile is None:
            return None
        counts = self._counts_until(end, rule.window, arm, version)
        return None if counts is None else self._drift(profile, counts, rule)

    def _counts_until(self, end: float, length: timedelta, arm: str, version: int) -> WindowCounts | None:
        return merge(self._store.counts_of(arm, version, since=end - length.total_seconds(), until=end))

    def judged(self, *, until: float, arm: str, version: int) -> Iterator[StretchPerformance]:
        """Yield measured performance of the rule's stretches that end by a moment, newest first.

        Not of such whose labels can no longer land.
        """
        size, window = judged_span(self._model), self._model.monitors.window.total_seconds()
        oldest = until - size - self._model.label.horizon.total_seconds()
        found = [*self._store.all_measured("merged", since=oldest, until=until)]
        for slot, measured in reversed(found):
            end = slot.start + window
            if slot.arm == arm and slot.version == version and end <= until:
                yield StretchPerformance(end - size, end, arm, version, measured)

    def alerts(self) -> list[Alert]:
        """Return the alerts that were raised, in the order of the windows that raised them."""
        return list(self._store.alerts())

    def profile(self, version: int) -> Profile | None:
        """Return the profile of a model version, as it was kept when its first prediction was counted."""
        if version not in self._profiles:
            self._profiles[version] = self._store.profile(version)
        return self._profiles[version]

    def _result(self, slot: Slot, counts: WindowCounts, *, length: float, performance: Measured | None) -> WindowResult:
        profile, monitors = self.profile(slot.version), self._model.monitors
        return WindowResult(
            start=slot.start,
            end=slot.start + length,
            arm=slot.arm,
            version=slot.version,
            rows=counts.rows,
            latency=_quantiles(counts.latency),
            classes=_classes(profile, counts),
            ages={view: _age(ages) for view, ages in counts.ages.items()},
            quality=check_quality(profile, counts, monitors.quality) if monitors.quality else None,
            drift=self._drift(profile, counts, monitors.drift) if profile and monitors.drift else None,
            performance=performance,
            estimated=estimated(self._model.task, profile, counts.scores) if profile else {},
        )

    def _drift(self, profile: Profile, counts: WindowCounts, rule: Drift) -> DriftResult:
        live = {name: one.bins for name, one in counts.features.items()}
        features = self._model.features
        return compare(profile, live, rule, rows=counts.rows, features=features, scores=counts.scores)


def judged_span(model: Model) -> float:
    """Return over how many seconds performance is judged together: the rule's window, else a week."""
    rule = model.monitors.performance
    return rule.window.total_seconds() if rule else _WEEK


def _stretch_start(start: float, size: float, since: float | None) -> float:
    origin = since or 0.0
    return origin + (start - origin) // size * size


def _quantiles(latency: tuple[int, ...]) -> dict[float, float]:
    found = {share: quantile(latency, LATENCY_EDGES, share) for share in (0.5, 0.95, 0.99)}
    return {share: value for share, value in found.items() if value is not None}


def _classes(profile: Profile | None, counts: WindowCounts) -> dict[str, int]:
    if profile is None or not counts.classes:
        return {}
    return dict(zip((*profile.scores.classes.categories, "other"), counts.classes, strict=True))


def _age(ages: AgeCounts) -> AgeResult:
    median, p95 = quantile(ages.bins, AGE_EDGES, 0.5), quantile(ages.bins, AGE_EDGES, 0.95)
    return AgeResult(median, p95, ages.stale_share)
