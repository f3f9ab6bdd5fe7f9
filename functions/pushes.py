"""Messages that are pushed over HTTP, in every form that they come in.

Pub/Sub wraps a message into an envelope of JSON, or sends its bytes alone, with what it knows about them in headers
(`x-goog-pubsub-…`, if the subscription writes metadata). Eventarc sends CloudEvents 1.0, in binary mode (attributes in
headers `ce-…`) or in structured mode (all of it in one JSON document); where the event is that a message was published,
its data is the same envelope. Any other event becomes a message whose body is the event in structured mode, as queues
that subscribe to events have it.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from loopwright.clock import parse_time
from loopwright.errors import InvalidInputError
from loopwright.ports.queues import Message

_PUBLISHED: Final = "google.cloud.pubsub.topic.v1.messagePublished"
_UNWRAPPED: Final = "x-goog-pubsub-"
_STRUCTURED: Final = "application/cloudevents+json"
_BINARY: Final = "ce-"
_REQUIRED: Final = ("specversion", "id", "source", "type")
_JSON: Final = re.compile(r"application/json|.*\+json")

_NO_JSON: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Pushed:
    """A message, and the names by which its sender tells where it comes from: the most telling first, "" for none."""

    names: tuple[str, ...]
    message: Message


class _Message(msgspec.Struct):
    data: str = ""
    messageId: str = ""  # noqa: N815 - as it is written
    publishTime: str = ""  # noqa: N815


class _Envelope(msgspec.Struct):
    message: _Message
    subscription: str = ""
    deliveryAttempt: int = 1  # noqa: N815


class _Data(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"")
    data_base64: str = ""


def pushed(headers: Headers, body: bytes) -> Pushed:
    """Return the message that a request carries.

    Raises:
        InvalidInputError: it carries none in any form that is known here.
    """
    given = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    media_type = given.get("content-type", "").partition(";")[0].strip().lower()
    if f"{_UNWRAPPED}message-id" in given:
        return _unwrapped(given, body)
    if media_type == _STRUCTURED:
        return _structured(body)
    if f"{_BINARY}specversion" in given:
        return _binary(given, media_type, body)
    return _wrapped(body)


def _wrapped(body: bytes, identity: str = "", topic: str = "") -> Pushed:
    """Return the message in an envelope, whose id may be told outside of it, as may be the topic."""
    try:
        envelope = msgspec.json.decode(body, type=_Envelope)
        data = base64.b64decode(envelope.message.data, validate=True)
    except (*_NO_JSON, binascii.Error) as error:
        raise InvalidInputError(
            f"wanted a message pushed by Pub/Sub, or a CloudEvent; this is neither: {error}"
        ) from error
    message = envelope.message
    names = (_last(envelope.subscription), _last(topic))
    return _message(names, message.messageId or identity, data, envelope.deliveryAttempt, message.publishTime)


def _unwrapped(given: Mapping[str, str], body: bytes) -> Pushed:
    names = (_last(given.get(f"{_UNWRAPPED}subscription-name", "")),)
    # A subscription that is unwrapped does not tell how often it has tried.
    return _message(names, given[f"{_UNWRAPPED}message-id"], body, 1, given.get(f"{_UNWRAPPED}publish-time", ""))


def _structured(body: bytes) -> Pushed:
    try:
        event = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        content = msgspec.json.decode(body, type=_Data)
        data = base64.b64decode(content.data_base64, validate=True) if content.data_base64 else bytes(content.data)
        names = event.keys() - set(content.__struct_fields__)
        attributes = {name: msgspec.json.decode(event[name]) for name in sorted(names)}
    except (*_NO_JSON, binascii.Error) as error:
        raise InvalidInputError(f"not a CloudEvent in structured mode: {error}") from error
    return _event(attributes, data)


def _binary(given: Mapping[str, str], media_type: str, body: bytes) -> Pushed:
    attributes = {
        name.removeprefix(_BINARY): unquote(value) for name, value in given.items() if name.startswith(_BINARY)
    }
    return _event(attributes | ({"datacontenttype": media_type} if media_type else {}), body)


def _event(attributes: Mapping[str, Any], data: bytes) -> Pushed:
    unfit = [name for name in _REQUIRED if not (attributes.get(name) and isinstance(attributes[name], str))]
    if unfit or attributes["specversion"] != "1.0":
        raise InvalidInputError(f"not a CloudEvent 1.0: look at its {', '.join(unfit) or 'specversion'}")
    if attributes["type"] == _PUBLISHED:
        return _wrapped(data, attributes["id"], attributes["source"])
    # What an event is about says nothing of a queue.
    return _message((), attributes["id"], _in_structured_mode(attributes, data), 1, str(attributes.get("time", "")))


def _in_structured_mode(attributes: Mapping[str, Any], data: bytes) -> bytes:
    content: dict[str, Any] = {}
    if data and _JSON.fullmatch(str(attributes.get("datacontenttype", "application/json"))):
        try:
            content["data"] = msgspec.json.decode(data)
        except _NO_JSON as error:
            raise InvalidInputError(
                f"event {attributes['id']}: its data is not the JSON that it says: {error}"
            ) from error
    elif data:
        content["data_base64"] = base64.b64encode(data).decode()
    return msgspec.json.encode({**attributes, **content})


def _message(names: tuple[str, ...], identity: str, body: bytes, attempts: int, sent: str) -> Pushed:
    if not identity:
        raise InvalidInputError("the message has no id, by which it would be known when it is delivered again")
    try:
        moment = parse_time(sent)
    except ValueError:
        moment = 0.0
    return Pushed(names, Message(identity, identity, body, attempts, moment))


def _last(name: str) -> str:
    """Return a resource's own name: `q` of `projects/p/subscriptions/q`."""
    return name.rpartition("/")[2]
