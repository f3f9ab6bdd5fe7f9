"""Reasons to retrain that nobody waits for: alerts from the `triggers` queue, and schedules that are due."""

from collections.abc import Mapping, Sequence
from typing import Final

from adapters import cloudevents
from functions.batches import Consumer
from functions.problems import log_failure
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.ports import Platform, Telemetry
from loopwright.ports.queues import Message
from loopwright.settings import TRIGGERS_QUEUE
from loopwright.triggers.rules import Decision, Kind, Reason
from loopwright.triggers.service import Triggers

_KINDS: Final[Mapping[str, Kind]] = {"loopwright.drift.": "drift", "loopwright.performance.": "performance"}


def consider_alert(triggers: Triggers, body: bytes, *, now: float) -> Decision:
    """Let the rules decide about an alert, a structured-mode JSON CloudEvent; told again it is decided once.

    Raises:
        InvalidInputError: the bytes are no alert that may start a retraining.
        NotFoundError: the project has no model of that name any more.
    """
    alert = cloudevents.decode(body)
    for prefix, kind in _KINDS.items():
        if alert.type.startswith(prefix):
            detail = str(alert.data.get("detail", alert.type))
            return triggers.consider(alert.subject, Reason(kind, detail, alert.id), now=now)
    raise InvalidInputError(f"an event of type {alert.type} starts no retraining")


def decide_alert(triggers: Triggers, telemetry: Telemetry, body: bytes, *, now: float) -> None:
    """Let the rules decide about an alert; one that is none of ours is dropped, and counted.

    Raises:
        UnavailableError: not now; it may be told again.
    """
    try:
        consider_alert(triggers, body, now=now)
    except (InvalidInputError, NotFoundError):
        telemetry.count("alerts_dropped")


def decide_due(triggers: Triggers, *, now: float) -> dict[str, bool]:
    """Let the rules decide about every schedule that is due; return by model whether a retraining was started."""
    return {model: triggers.consider(model, reason, now=now).started for model, reason in triggers.due(now)}


def consumer(platform: Platform, triggers: Triggers) -> Consumer:
    """Return who lets the rules decide about the alerts of the `triggers` queue."""
    return Consumer((TRIGGERS_QUEUE,), lambda _, messages: decide_messages(platform, triggers, messages))


def decide_messages(platform: Platform, triggers: Triggers, messages: Sequence[Message]) -> Sequence[str]:
    """Let the rules decide about alerts, and return the ids of those that could not be decided now."""
    failed = []
    for message in messages:
        try:
            decide_alert(triggers, platform.telemetry, message.body, now=platform.clock())
        except Exception as error:  # noqa: BLE001 - whatever it is, the other alerts are decided
            log_failure(f"decide about the alert in message {message.id}", error)
            failed.append(message.id)
    return failed
