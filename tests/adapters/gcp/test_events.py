"""Publishing on a topic that refuses or loses answers; what claims are good for is in AWS's tests of the same."""

from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat

from adapters.gcp.api import ATTEMPTS, Api
from adapters.gcp.events import PubSubEvents, attributes_of
from adapters.gcp.place import GcpPlace
from adapters.gcp.tokens import Nobody
from adapters.memory.table import MemoryTable
from loopwright.clock import new_id
from loopwright.errors import DeniedError, InvalidInputError, UnavailableError
from loopwright.ports.events import Event, Subscription
from tests.clouds.google.breaking import Faulty, faulty, lost, refused
from tests.clouds.google.throwaway import throwaway
from tests.clouds.google.world import SERVICES, google
from tests.clouds.tools import MissingToolError

NOW = 1e9
SUBSCRIPTIONS = (Subscription("loopwright.drift.", "triggers"),)


@pytest.fixture
def place() -> Iterator[GcpPlace]:
    try:
        endpoint = google(*SERVICES)
    except MissingToolError as error:
        pytest.skip(f"Google is not to be had: {error}")
    with throwaway(endpoint, SUBSCRIPTIONS) as made:
        yield made


@pytest.fixture
def there(place: GcpPlace) -> Iterator[Faulty]:
    with faulty(place.endpoint) as started:
        yield started


@pytest.fixture
def api(there: Faulty) -> Iterator[Api]:
    with closing(Api("", endpoint=there.url, tokens=Nobody(), sleep=lambda _: None)) as opened:
        yield opened


@pytest.fixture
def events(api: Api, place: GcpPlace) -> PubSubEvents:
    return PubSubEvents(api, place, MemoryTable(lambda: NOW), lambda: NOW, new_id)


def event(identity: str = "e1", **more: Any) -> Event:  # noqa: ANN401 - a test's data
    data = {"feature": "temp", "psi": 0.4, **more}
    return Event(identity, "loopwright/flights", "loopwright.drift.detected", NOW + 0.25, "delays", data)


def arrived(api: Api, place: GcpPlace, queue: str = "triggers") -> list[dict[str, Any]]:
    path = f"/v1/projects/{place.project}/subscriptions/{place.queues}-{queue}:pull"
    got = api.call("POST", path, {"maxMessages": 100, "returnImmediately": True})
    return [one["message"] for one in got.get("receivedMessages", ())]


def test_the_cloudevents_library_reads_what_was_published(events: PubSubEvents, api: Api, place: GcpPlace) -> None:
    events.publish(event())
    (message,) = arrived(api, place)
    attributes = message["attributes"]
    headers = {"content-type": attributes["content-type"]}
    read = from_http_event(HTTPMessage(headers, b64decode(message["data"])), JSONFormat())
    assert (read.get_specversion(), read.get_id(), read.get_source()) == ("1.0", "e1", "loopwright/flights")
    assert (read.get_type(), read.get_subject()) == ("loopwright.drift.detected", "delays")
    assert read.get_time() == datetime.fromtimestamp(NOW + 0.25, UTC)
    assert read.get_data() == {"feature": "temp", "psi": 0.4}
    assert {name: value for name, value in attributes.items() if name.startswith("ce-")} == {
        "ce-id": "e1",
        "ce-source": "loopwright/flights",
        "ce-specversion": "1.0",
        "ce-subject": "delays",
        "ce-time": "2001-09-09T01:46:40.250000Z",
        "ce-type": "loopwright.drift.detected",
    }


def test_an_event_whose_answer_is_lost_arrives_at_least_once_and_is_listed_once(
    events: PubSubEvents, there: Faulty, api: Api, place: GcpPlace
) -> None:
    there.faults = {"publish": [refused(503, "UNAVAILABLE"), refused(429, "RESOURCE_EXHAUSTED"), lost]}
    events.publish(event())
    events.publish(event())
    assert {one["attributes"]["ce-id"] for one in arrived(api, place)} == {"e1"}
    assert events.recent() == [event()]
    assert not there.faults["publish"]


def test_after_an_error_the_next_one_publishes_it(
    events: PubSubEvents, there: Faulty, api: Api, place: GcpPlace
) -> None:
    there.faults = {"publish": [refused(503, "UNAVAILABLE")] * ATTEMPTS + [refused(403, "PERMISSION_DENIED")]}
    with pytest.raises(UnavailableError, match=r"publish loopwright\.drift\.detected to .*-events"):
        events.publish(event())
    with pytest.raises(DeniedError, match=r"publish loopwright\.drift\.detected"):
        events.publish(event())
    assert events.recent() == []
    events.publish(event())
    assert len(arrived(api, place)) == 1


def test_without_its_topic_nothing_is_published(events: PubSubEvents, api: Api, place: GcpPlace) -> None:
    api.call("DELETE", f"/v1/projects/{place.project}/topics/{place.queues}-events")
    with pytest.raises(UnavailableError, match=r"no topic .*-events, which the stack makes"):
        events.publish(event())
    assert events.recent() == []


def test_an_event_that_no_provider_takes_is_refused(events: PubSubEvents, there: Faulty) -> None:
    with pytest.raises(InvalidInputError, match="240,000 is the most"):
        events.publish(event(more="x" * 240_000))
    assert there.bodies("publish") == []


def test_what_is_too_long_for_an_attribute_is_in_the_event_alone() -> None:
    found = attributes_of(event("i" * 2_000))
    assert "ce-id" not in found
    assert found["ce-type"] == "loopwright.drift.detected"
    nameless = Event("e", "s", "t", NOW, "", {})
    assert "ce-subject" not in attributes_of(nameless)
    with pytest.raises(InvalidInputError, match="type"):
        attributes_of(Event("e", "s", "t" * 1_025, NOW, "", {}))
