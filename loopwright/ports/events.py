"""CloudEvents 1.0: what happened, told to whoever subscribed."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from loopwright.ports.table import Value


class Event(msgspec.Struct, frozen=True):
    """A CloudEvent 1.0 with JSON data. `type` looks like `loopwright.drift.detected`; `time` is a moment in UTC."""

    id: str
    source: str
    type: str
    time: float
    subject: str
    data: Mapping[str, Value]


class Subscription(msgspec.Struct, frozen=True):
    """Events whose type starts with `prefix` go into `queue`, each as a structured-mode JSON CloudEvent."""

    prefix: str
    queue: str


class Events(Protocol):
    """Publishes events to the queues of the platform's subscriptions, at least once each."""

    def publish(self, event: Event) -> None:
        """Hand the event over; when this returns, every matching queue will get it. The same id again is dropped."""
        ...

    def recent(self, *, limit: int = 100) -> list[Event]:
        """Return the newest events, newest first, for people to look at.

        Raises:
            CapabilityError: `Platform.capabilities.event_history` is false here.
        """
        ...
