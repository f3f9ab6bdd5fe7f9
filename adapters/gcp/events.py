"""Events on a topic of Pub/Sub; which of them were published is in the table (see `adapters.publishing`).

The data of a message is a structured-mode CloudEvent in JSON. Its attributes say what is in it, so that subscriptions
can choose. Source: "Google Cloud Pub/Sub Protocol Binding for CloudEvents", 1.0.
"""

import time
from base64 import b64encode
from collections.abc import Callable
from typing import Final

from typing_extensions import override

from adapters.gcp.api import Api
from adapters.gcp.place import GcpPlace
from adapters.gcp.replies import ServiceError, translation
from adapters.gcp.topics import TYPE, events_topic
from adapters.publishing import Publishing
from loopwright.clock import Clock, NewId, isoformat
from loopwright.errors import InvalidInputError, UnavailableError
from loopwright.ports import Table
from loopwright.ports.events import Event, Events

_VALUE_LIMIT: Final = 1_024
"""The most bytes of an attribute."""


class PubSubEvents(Events):
    """Events on a topic, each once as long as nobody dies."""

    def __init__(
        self,
        api: Api,
        place: GcpPlace,
        table: Table,
        clock: Clock,
        new_id: NewId,
        *,
        sleep: Callable[[float], None] = time.sleep,
        timer: Callable[[], float] = time.monotonic,
        stamp: Callable[[], int] = time.time_ns,
    ) -> None:
        """Keep the place: Pub/Sub and where its topic is; the rest is as for `Publishing`."""
        self._api = api
        self._topic = f"projects/{place.project}/topics/{events_topic(place)}"
        self._publishing = Publishing(table, clock, new_id, sleep=sleep, timer=timer, stamp=stamp)

    @override
    def publish(self, event: Event) -> None:
        attributes = attributes_of(event)
        self._publishing.publish(event, lambda body: self._send(event, body, attributes))

    @override
    def recent(self, *, limit: int = 100) -> list[Event]:
        return self._publishing.recent(limit=limit)

    def _send(self, event: Event, body: bytes, attributes: dict[str, str]) -> None:
        message = {"data": b64encode(body).decode(), "attributes": attributes}
        try:
            self._api.call("POST", f"/v1/{self._topic}:publish", {"messages": [message]})
        except ServiceError as error:
            if error.code == "NOT_FOUND":
                told = f"could not publish {event.type}: there is no topic {self._topic}, which the stack makes"
                raise UnavailableError(told) from error
            raise translation(error, f"publish {event.type} to {self._topic}") from error


def attributes_of(event: Event) -> dict[str, str]:
    """Return the attributes of an event's message; one that is too long for Pub/Sub is in the event alone.

    Raises:
        InvalidInputError: its type is, by which subscriptions choose.
    """
    if len(event.type.encode()) > _VALUE_LIMIT:
        raise InvalidInputError(f"event {event.id}: its type has over {_VALUE_LIMIT:,} bytes")
    found = {
        "ce-id": event.id,
        "ce-source": event.source,
        "ce-specversion": "1.0",
        "ce-subject": event.subject,
        "ce-time": isoformat(event.time),
        TYPE: event.type,
    }
    fitting = {name: value for name, value in found.items() if 0 < len(value.encode()) <= _VALUE_LIMIT}
    return {"content-type": "application/cloudevents+json", **fitting}
