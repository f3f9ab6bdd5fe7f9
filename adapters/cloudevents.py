"""Events as CloudEvents 1.0 in structured-mode JSON, which is what subscribers find in their queues."""

from collections.abc import Iterable
from typing import Any

import msgspec

from loopwright.clock import isoformat, parse_time
from loopwright.errors import InvalidInputError
from loopwright.ports.events import Event, Subscription


class _Envelope(msgspec.Struct, frozen=True):
    specversion: str
    id: str
    source: str
    type: str
    time: str
    subject: str
    datacontenttype: str
    data: dict[str, Any]


def encode(event: Event) -> bytes:
    """Return the event as `application/cloudevents+json`."""
    time = isoformat(event.time)
    envelope = _Envelope(
        "1.0", event.id, event.source, event.type, time, event.subject, "application/json", dict(event.data)
    )
    return msgspec.json.encode(envelope)


def decode(body: bytes) -> Event:
    """Return the event that `encode` wrote, its time to the microsecond.

    Raises:
        InvalidInputError: the bytes are no CloudEvent of ours.
    """
    try:
        found = msgspec.json.decode(body, type=_Envelope)
        return Event(found.id, found.source, found.type, parse_time(found.time), found.subject, found.data)
    except (msgspec.DecodeError, ValueError) as error:
        raise InvalidInputError(f"not a CloudEvent 1.0 in JSON: {error}") from error


def queues_for(event: Event, subscriptions: Iterable[Subscription]) -> list[str]:
    """Return the queues that subscribe to the event's type, each once."""
    return list(dict.fromkeys(each.queue for each in subscriptions if event.type.startswith(each.prefix)))
