"""How a message stands in Pub/Sub.

Its body is the data. The attribute `sent` has the moment, in seconds since 1970, by the sender's clock, and `id` its
identity: Pub/Sub gives a dead letter a new one.
"""

import math
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from loopwright.clock import parse_time
from loopwright.ports.queues import Message

BATCH: Final = 1_000
"""The most messages in one call."""

LONGEST_LEASE: Final = 600
"""Seconds for which a message may be in hand, or be delayed, at most."""

_BATCH_BYTES: Final = 9_000_000
"""The most bytes that messages of one call have together, encoded: Pub/Sub takes 10 MB."""

_NAMES: Final = 200
"""Bytes of a message besides its data and the values of its attributes."""

_FIRST_PUBLISHED: Final = "CloudPubSubDeadLetterSourceTopicPublishTime"


def entry_of(body: bytes, *, identity: str, sent: float, attributes: Mapping[str, str]) -> dict[str, Any]:
    """Return a message as it is published, with these attributes too."""
    return {"data": b64encode(body).decode(), "attributes": {**attributes, "id": identity, "sent": repr(float(sent))}}


def message_of(received: Mapping[str, Any], receipt: str) -> Message:
    """Return a received message as its consumer sees it."""
    message = received["message"]
    attributes = message.get("attributes", {})
    # Messages of others have neither; an event has an identity of its own.
    identity = attributes.get("id") or attributes.get("ce-id") or message["messageId"]
    sent = attributes.get("sent")
    moment = float(sent) if sent else parse_time(attributes.get(_FIRST_PUBLISHED) or message["publishTime"])
    return Message(identity, receipt, b64decode(message.get("data", "")), received.get("deliveryAttempt") or 1, moment)


def batches(entries: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield entries in their order, as many at once as one call takes."""
    batch: list[dict[str, Any]] = []
    room = 0
    for entry in entries:
        size = len(entry["data"]) + sum(map(len, entry["attributes"].values())) + _NAMES
        if batch and (len(batch) == BATCH or size > room):
            yield batch
            batch = []
        if not batch:
            room = _BATCH_BYTES
        batch.append(entry)
        room -= size
    if batch:
        yield batch


def seconds_of(duration: float) -> int:
    """Return whole seconds as Pub/Sub takes them, at least as many as were asked for, up to its ten minutes."""
    return min(max(math.ceil(duration), 0), LONGEST_LEASE)
