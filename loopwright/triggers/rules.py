"""What is decided about a reason to retrain, as a pure function of the rules and of what was started before."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, assert_never

from loopwright.clock import isoformat
from loopwright.definitions.rules import Triggers as Rules
from loopwright.ports.events import Event

Kind = Literal["schedule", "drift", "performance", "person"]

_ALERTS: Final[Mapping[str, Kind]] = {"loopwright.drift.": "drift", "loopwright.performance.": "performance"}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a model may have to be trained again.

    Attributes:
        kind: what spoke up.
        detail: for people: which window, which features, or a person's own words.
        event_id: names the occasion: the same occasion is decided once, however often it is told.
        who: the person or the part of the system that spoke up.
    """

    kind: Kind
    detail: str
    event_id: str
    who: str = "loopwright"

    @classmethod
    def of_event(cls, event: Event) -> "Reason | None":
        """Return the reason that an alert is; None for an event that is no reason to retrain."""
        detail = event.data.get("detail")
        for prefix, kind in _ALERTS.items():
            if event.type.startswith(prefix):
                return cls(kind, str(detail or event.type), event.id)
        return None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided: whether a job was started, under which key, and why (not)."""

    started: bool
    job: str | None
    why: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A decision with its occasion: when, for what reason, and what was decided."""

    at: float
    reason: Reason
    decision: Decision


@dataclass(frozen=True, slots=True)
class Past:
    """What the rules look at: the moments of earlier starts, and whether the newest job is still at work."""

    starts: tuple[float, ...] = ()
    running: str | None = None


def refusal(rules: Rules, kind: Kind, past: Past, now: float) -> str | None:
    """Return why nothing may be started now, or None when it may.

    Nobody starts a second job beside a running one, and nobody goes over the budget, which counts everybody's starts.
    A person is not held up by the cooldown.
    """
    if not _enabled(rules, kind):
        return f"the model is not retrained on {kind}"
    if past.running:
        return f"job {past.running} is still running"
    cooldown = rules.cooldown.total_seconds()
    if kind != "person" and past.starts and now < past.starts[-1] + cooldown:
        return f"cooling down until {isoformat(past.starts[-1] + cooldown)}"
    spent = [start for start in past.starts if start > now - rules.budget_period.total_seconds()]
    if len(spent) >= rules.budget:
        days = rules.budget_period.total_seconds() / 86_400
        return f"the budget of {rules.budget} retrainings in {days:g} days is spent"
    return None


def remembered(rules: Rules, starts: tuple[float, ...], now: float) -> tuple[float, ...]:
    """Return the starts that the cooldown, the budget or the schedule may still ask for: the last one always."""
    longest = max(rules.cooldown, rules.budget_period).total_seconds()
    return (*(start for start in starts[:-1] if start > now - longest), *starts[-1:])


def _enabled(rules: Rules, kind: Kind) -> bool:
    match kind:
        case "person":
            return True
        case "schedule":
            return rules.every is not None
        case "drift":
            return rules.on_drift
        case "performance":
            return rules.on_performance
        case _:
            assert_never(kind)
