"""What the champion's newest complete windows look like, and which alerts that calls for."""

from collections.abc import Iterator
from dataclasses import dataclass

from loopwright.definitions.model import Model
from loopwright.monitoring.alerts import Alert, told_drift, told_quality
from loopwright.monitoring.drift import DriftResult
from loopwright.monitoring.history import History, StretchPerformance
from loopwright.monitoring.performance import Loss, judge
from loopwright.monitoring.quality import QualityResult
from loopwright.monitoring.store import WindowStore

CHAMPION_ARM = "champion"


@dataclass(frozen=True, slots=True)
class Newest:
    """The champion's newest complete windows.

    Rows of versions that were champion before are not among them: the new profile says nothing about those.

    Attributes:
        version: the champion's version.
        end: where the newest complete window ends.
        quality: of that window; None: not watched, or no rows.
        drift: of the drift rule's stretch that ends there; None: not watched, no rows, or no profile.
        performance: of the performance rule's newest stretch with labels enough; None: not watched, or no labels.
        loss: what the rule says about it.
        alerts: what this calls for.
    """

    version: int
    end: float
    quality: QualityResult | None
    drift: DriftResult | None
    performance: StretchPerformance | None
    loss: Loss | None
    alerts: tuple[Alert, ...]


def look(history: History, store: WindowStore, model: Model, *, champion: int | None, now: float) -> Newest | None:
    """Return what the newest windows that are over at `now` look like; None where there is no champion or window."""
    window = model.monitors.window.total_seconds()
    slot = store.newest_slot(before=now // window * window)
    if champion is None or slot is None:
        return None
    end = slot.start + window
    quality = history.quality_until(end, arm=CHAMPION_ARM, version=champion)
    drift = history.drift_until(end, arm=CHAMPION_ARM, version=champion)
    judged = _performance(history, model, champion, end)
    performance, loss = judged or (None, None)
    alerts = (
        *_quality_alert(model, champion, end, quality),
        *_drift_alert(model, champion, end, drift),
        *_performance_alert(model, performance, loss),
    )
    return Newest(champion, end, quality, drift, performance, loss, alerts)


def _performance(history: History, model: Model, champion: int, end: float) -> tuple[StretchPerformance, Loss] | None:
    rule, profile = model.monitors.performance, history.profile(champion)
    if rule is None:
        return None
    training = profile.metrics.get(rule.metric) if profile else None
    first: tuple[StretchPerformance, Loss] | None = None
    for found in history.judged(until=end, arm=CHAMPION_ARM, version=champion):
        loss = judge(rule, found.measured, training)
        if loss.enough:
            return found, loss
        first = first or (found, loss)
    return first


def _quality_alert(model: Model, champion: int, end: float, found: QualityResult | None) -> Iterator[Alert]:
    if found and found.broken:
        start = end - model.monitors.window.total_seconds()
        names = tuple(dict.fromkeys(one.name for one in found.broken))
        yield Alert("quality", model.name, champion, start, end, told_quality(found), names)


def _drift_alert(model: Model, champion: int, end: float, found: DriftResult | None) -> Iterator[Alert]:
    rule = model.monitors.drift
    if rule and found and found.drifted:
        start = end - rule.window.total_seconds()
        detail = told_drift(found, rule.measure)
        yield Alert("drift", model.name, champion, start, end, detail, found.drifted_features)


def _performance_alert(model: Model, found: StretchPerformance | None, loss: Loss | None) -> Iterator[Alert]:
    if found and loss and loss.lost:
        names = (found.measured.metric,)
        yield Alert("performance", model.name, found.version, found.start, found.end, loss.why, names)
