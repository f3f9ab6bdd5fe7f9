"""Alerts: what monitoring tells the rest of the loop, once per model, kind and window."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from loopwright.clock import isoformat
from loopwright.definitions.rules import DriftMeasure
from loopwright.monitoring.drift import DriftResult
from loopwright.monitoring.quality import QualityResult
from loopwright.ports.events import Event
from loopwright.ports.table import Value

AlertKind = Literal["drift", "performance", "quality"]

EVENT_TYPES: Final[Mapping[AlertKind, str]] = {
    "drift": "loopwright.drift.detected",
    "performance": "loopwright.performance.lost",
    "quality": "loopwright.quality.broken",
}


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that people or triggers should know about the champion.

    Attributes:
        kind: what it is about.
        model: the model's name.
        version: the champion's version.
        start: where the stretch of prediction time begins.
        end: where it ends: with kind and model this is the alert's identity.
        detail: for people.
        names: the features, views or metrics that are concerned.
    """

    kind: AlertKind
    model: str
    version: int
    start: float
    end: float
    detail: str
    names: tuple[str, ...]

    def event(self, *, project: str, now: float) -> Event:
        """Return the alert as a CloudEvent; the same alert has the same id whenever it is told."""
        data: dict[str, Value] = {
            "model": self.model,
            "version": self.version,
            "window_start": isoformat(self.start),
            "window_end": isoformat(self.end),
            "detail": self.detail,
            "names": list(self.names),
        }
        return Event(
            id=f"{project}/{self.model}/{self.kind}/{isoformat(self.end)}",
            source=f"loopwright/{project}",
            type=EVENT_TYPES[self.kind],
            time=now,
            subject=self.model,
            data=data,
        )


def told_drift(found: DriftResult, measure: DriftMeasure) -> str:
    """Return in a line which features have drifted, the farthest first."""
    drifted = sorted((one for one in found.features if one.drifted), key=lambda one: -one.measure(measure))
    listed = ", ".join(f"{one.feature} {measure} {one.measure(measure):.3f}" for one in drifted[:5])
    more = f" and {len(drifted) - 5} more" if len(drifted) > 5 else ""  # noqa: PLR2004 - a line has room for five
    return f"{listed}{more} over {found.rows:,} rows"


def told_quality(found: QualityResult) -> str:
    """Return in a line what is broken, the worst first."""
    broken = sorted(found.broken, key=lambda one: one.limit - one.share)
    listed = ", ".join(f"{one.name} {one.check} {one.share:.1%} (at most {one.limit:.1%})" for one in broken[:5])
    return f"{listed} over {found.rows:,} rows"
