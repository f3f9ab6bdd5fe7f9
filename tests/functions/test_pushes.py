"""Every form in which a message is pushed; events are built by the CloudEvents SDK, as Eventarc sends them."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as some

from adapters import cloudevents
from functions.pushes import Pushed, pushed
from loopwright.clock import parse_time
from loopwright.errors import InvalidInputError
from loopwright.ports.events import Event
from loopwright.ports.queues import Message

SUBSCRIPTION = "projects/airport/subscriptions/shop-prod-triggers"
TOPIC = "//pubsub.googleapis.com/projects/airport/topics/shop-prod-events"
PUBLISHED = "google.cloud.pubsub.topic.v1.messagePublished"
TIME = "2021-02-26T19:13:55.749Z"


def push(body: bytes, **headers: str) -> Pushed:
    return arrived({name.replace("_", "-"): value for name, value in headers.items()}, body)


def arrived(headers: Mapping[str, str], body: bytes) -> Pushed:
    return pushed([(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()], body)


def envelope(data: bytes = b"hello", **message: object) -> dict[str, object]:
    """What Pub/Sub pushes, with its fields in both spellings."""
    told = {"messageId": "7", "message_id": "7", "publishTime": TIME, "publish_time": TIME}
    content = {"data": base64.b64encode(data).decode(), "attributes": {"queue": "triggers"}, **told, **message}
    return {"message": content, "subscription": SUBSCRIPTION, "deliveryAttempt": 3}


@given(data=some.binary(max_size=300), identity=some.text(min_size=1, max_size=40), attempts=some.integers(1, 100))
def test_a_wrapped_message_is_what_was_published(data: bytes, identity: str, attempts: int) -> None:
    content = envelope(data, messageId=identity) | {"deliveryAttempt": attempts}
    assert push(json.dumps(content).encode(), content_type="application/json") == Pushed(
        ("shop-prod-triggers", ""), Message(identity, identity, data, attempts, parse_time(TIME))
    )


def test_a_wrapped_message_may_have_no_data_and_tell_no_attempt() -> None:
    body = json.dumps({"message": {"messageId": "7", "attributes": {}}, "subscription": SUBSCRIPTION}).encode()
    assert push(body).message == Message("7", "7", b"", 1, 0.0)


@given(data=some.binary(max_size=300))
def test_an_unwrapped_message_is_the_body_and_what_is_known_of_it_is_in_headers(data: bytes) -> None:
    headers = {"x-goog-pubsub-subscription-name": SUBSCRIPTION, "X-Goog-Pubsub-Message-Id": "7"}
    assert arrived({**headers, "x-goog-pubsub-publish-time": TIME}, data) == Pushed(
        ("shop-prod-triggers",), Message("7", "7", data, 1, parse_time(TIME))
    )


def test_an_unwrapped_event_is_the_event_though_its_attributes_are_headers_too() -> None:
    headers = {"x-goog-pubsub-message-id": "7", "content-type": "application/cloudevents+json", "ce-id": "e"}
    assert arrived(headers, b'{"specversion":"1.0"}').message.body == b'{"specversion":"1.0"}'


@pytest.mark.parametrize("send", [to_binary_event, to_structured_event])
def test_a_message_in_an_event_is_the_message(send: object) -> None:
    attributes = {"id": "9", "source": TOPIC, "type": PUBLISHED, "time": datetime(2021, 2, 26, tzinfo=UTC)}
    generated = "projects/airport/subscriptions/eventarc-europe-west1-alerts-sub-123"
    data = {**envelope(b"hello"), "subscription": generated}
    sent = send(CloudEvent({**attributes, "datacontenttype": "application/json"}, data))
    assert arrived(sent.headers, sent.body) == Pushed(
        ("eventarc-europe-west1-alerts-sub-123", "shop-prod-events"),
        Message("7", "7", b"hello", 3, parse_time(TIME)),
    )


def test_a_message_that_does_not_tell_its_id_has_that_of_its_event() -> None:
    body = json.dumps({"message": {"data": "aGVsbG8="}}).encode()
    headers = {"ce-specversion": "1.0", "ce-id": "9", "ce-source": TOPIC, "ce-type": PUBLISHED}
    assert arrived(headers, body).message.id == "9"


@pytest.mark.parametrize("send", [to_binary_event, to_structured_event])
@given(
    # Our own attributes are of plain characters; what an event is about may be any text without control characters.
    subject=some.text(some.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=30).filter(str.strip),
    detail=some.text(max_size=30),
    moment=some.integers(0, 4_000_000_000),
)
def test_an_event_is_a_message_as_queues_that_subscribe_have_it(
    send: object, subject: str, detail: str, moment: int
) -> None:
    subject = subject.strip()
    attributes = {
        "id": "one",
        "source": "loopwright/labels",
        "type": "loopwright.drift.detected",
        "subject": subject,
        "time": datetime.fromtimestamp(moment, UTC),
        "datacontenttype": "application/json",
    }
    sent = send(CloudEvent(attributes, {"detail": detail}))
    found = arrived(sent.headers, sent.body)
    assert (found.names, found.message.id, found.message.sent) == ((), "one", moment)
    assert cloudevents.decode(found.message.body) == Event(
        "one", "loopwright/labels", "loopwright.drift.detected", moment, subject, {"detail": detail}
    )


def test_data_that_is_no_json_stays_as_it_is() -> None:
    attributes = {"id": "one", "source": "s", "type": "t", "datacontenttype": "image/png"}
    for send in (to_binary_event, to_structured_event):
        sent = send(CloudEvent(attributes, b"\x89PNG"))
        content = json.loads(arrived(sent.headers, sent.body).message.body)
        assert base64.b64decode(content["data_base64"]) == b"\x89PNG"


EVENT = {"ce-specversion": "1.0", "ce-id": "9", "ce-source": "s", "ce-type": "t"}


@pytest.mark.parametrize(
    ("headers", "body", "told"),
    [
        ({}, b"", "neither"),
        ({}, b"hello", "neither"),
        ({}, b"{}", "neither"),
        ({}, b'{"message": 7}', "neither"),
        ({}, b"[" * 100_000, "neither"),
        ({}, b"\xff\xfe", "neither"),
        ({}, json.dumps({"message": {"data": "no base64!", "messageId": "7"}}).encode(), "neither"),
        ({}, b'{"message": {"data": "aGVsbG8="}}', "has no id"),
        ({"x-goog-pubsub-message-id": ""}, b"hello", "has no id"),
        ({**EVENT, "ce-type": ""}, b"", "look at its type"),
        ({**EVENT, "ce-specversion": "0.3"}, b"", "look at its specversion"),
        ({**EVENT, "content-type": "application/json"}, b"{", "not the JSON that it says"),
        ({**EVENT, "ce-type": PUBLISHED}, b"hello", "neither"),
        ({"content-type": "application/cloudevents+json"}, b"hello", "not a CloudEvent in structured mode"),
        ({"content-type": "application/cloudevents+json"}, b'{"specversion": "1.0"}', "look at its id, source, type"),
        ({"content-type": "application/cloudevents+json"}, b'{"data_base64": "!"}', "not a CloudEvent in structured"),
        ({"content-type": "application/cloudevents-batch+json"}, b"[]", "neither"),
    ],
)
def test_what_carries_no_message_is_refused_in_words(headers: dict[str, str], body: bytes, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told):
        arrived(headers, body)


NAMES = some.sampled_from(["content-type", *EVENT, "x-goog-pubsub-message-id", "x-goog-pubsub-publish-time"])
VALUES = some.sampled_from(["1.0", "application/cloudevents+json", PUBLISHED, TIME, "application/json"])


@given(headers=some.dictionaries(NAMES, VALUES | some.text(some.characters(max_codepoint=255))), body=some.binary())
def test_no_request_is_an_error_of_ours(headers: dict[str, str], body: bytes) -> None:
    for content in (body, json.dumps(envelope()).encode()):
        try:
            assert arrived(headers, content).message.id
        except InvalidInputError:
            continue
