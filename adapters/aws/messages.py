"""How a message stands in SQS.

A body that is text as SQS takes it is the message's body; any other is its binary attribute `body`, and the message's
body is then `-`: base64 would make it a third larger. The attribute `sent` has the moment, in seconds since 1970, by
the sender's clock.
"""

import math
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from loopwright.ports.queues import Message

BATCH: Final = 10
"""The most messages in one call."""

_BATCH_BYTES: Final = 262_144
_TEXT: Final = re.compile("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_NO_TEXT: Final = "-"
NAME_LIMIT: Final = 80
"""The most characters in the name of a queue."""


def entry_of(body: bytes, sent: float) -> dict[str, Any]:
    """Return a message as it is sent."""
    attributes: dict[str, Any] = {"sent": {"DataType": "String", "StringValue": repr(float(sent))}}
    text = _text(body)
    if text is None:
        attributes["body"] = {"DataType": "Binary", "BinaryValue": b64encode(body).decode()}
    return {"MessageBody": _NO_TEXT if text is None else text, "MessageAttributes": attributes}


def body_of(received: Mapping[str, Any]) -> bytes:
    """Return a received message's body."""
    attribute = received.get("MessageAttributes", {}).get("body", {})
    if "BinaryValue" in attribute:
        return b64decode(attribute["BinaryValue"])
    return str(received["Body"]).encode()


def message_of(received: Mapping[str, Any], receipt: str) -> Message:
    """Return a received message as its consumer sees it."""
    told = received["Attributes"]
    sent = received.get("MessageAttributes", {}).get("sent", {}).get("StringValue")
    return Message(
        received["MessageId"],
        receipt,
        body_of(received),
        int(told["ApproximateReceiveCount"]),
        # Messages that a service sends, such as EventBridge, have no attributes.
        float(sent) if sent else int(told["SentTimestamp"]) / 1_000,
    )


def batches(entries: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield entries in their order, as many at once as one call takes."""
    batch: list[dict[str, Any]] = []
    room = 0
    for entry in entries:
        size = _size(entry)
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
    """Return whole seconds as SQS takes them, at least as many as were asked for, up to its twelve hours."""
    return min(max(math.ceil(duration), 0), 43_200)


def _text(body: bytes) -> str | None:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return text if _TEXT.fullmatch(text) else None


def _size(entry: Mapping[str, Any]) -> int:
    size = len(entry["MessageBody"].encode())
    for name, attribute in entry["MessageAttributes"].items():
        value = attribute.get("StringValue") or b64decode(attribute["BinaryValue"])
        size += len(name) + len(attribute["DataType"]) + len(value)
    return size
