"""What Pub/Sub does as no other: topics nobody subscribes to, receipts that spoil others, counts that are late."""

import json
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing

import pytest

from adapters.gcp.api import ATTEMPTS, Api
from adapters.gcp.place import GcpPlace
from adapters.gcp.queues import PubSubQueue
from adapters.gcp.tokens import Nobody
from adapters.gcp.topics import filter_of
from loopwright.errors import DefinitionError, DeniedError, UnavailableError
from loopwright.ports.events import Subscription
from loopwright.ports.queues import MESSAGE_LIMIT, Depth, Message
from tests.clouds.google.breaking import Body, Faulty, Forward, answered, faulty, lost, refused, unheard
from tests.clouds.google.throwaway import throwaway
from tests.clouds.google.world import SERVICES, google
from tests.clouds.tools import MissingToolError

Q = "predictions"
FED = "triggers"
SENT = 1_000.5
BODIES = [str(number).encode() for number in range(25)]
BUSY = refused(503, "UNAVAILABLE")
THROTTLED = refused(429, "RESOURCE_EXHAUSTED")
DENIED = refused(403, "PERMISSION_DENIED")
SUBSCRIPTIONS = (Subscription("loopwright.drift.", FED),)


@pytest.fixture
def place() -> Iterator[GcpPlace]:
    try:
        endpoint = google(*SERVICES)
    except MissingToolError as error:
        pytest.skip(f"Google is not to be had: {error}")
    with throwaway(endpoint, ()) as made:
        yield made


@pytest.fixture
def there(place: GcpPlace) -> Iterator[Faulty]:
    with faulty(place.endpoint) as started:
        yield started


@pytest.fixture
def api(there: Faulty) -> Iterator[Api]:
    """A client that does not wait between its attempts, and whose calls may go wrong."""
    with closing(Api("", endpoint=there.url, tokens=Nobody(), sleep=lambda _: None)) as opened:
        yield opened


@pytest.fixture
def queue(place: GcpPlace, api: Api) -> PubSubQueue:
    return PubSubQueue(lambda _: api, place, SUBSCRIPTIONS, lambda: SENT, sleep=lambda _: None)


def bodies(messages: list[Message]) -> list[bytes]:
    return [message.body for message in messages]


def receipts(messages: list[Message]) -> list[str]:
    return [message.receipt for message in messages]


def path(place: GcpPlace, kind: str, name: str) -> str:
    return f"/v1/projects/{place.project}/{kind}/{place.queues}-{name}"


def die(queue: PubSubQueue, messages: list[bytes]) -> None:
    queue.send(Q, messages)
    for _ in range(5):
        queue.release(Q, receipts(queue.receive(Q, limit=100)))
    assert queue.receive(Q) == []


def test_what_is_throttled_is_tried_again(queue: PubSubQueue, there: Faulty) -> None:
    there.faults = {
        "publish": [THROTTLED, BUSY, unheard],
        "pull": [BUSY, THROTTLED],
        "modifyAckDeadline": [BUSY],
        "acknowledge": [THROTTLED, BUSY],
        "PUT topics": [BUSY],
        "PUT subscriptions": [BUSY],
        "GET timeSeries": [THROTTLED],
    }
    queue.send(Q, BODIES)
    got = queue.receive(Q, limit=100)
    assert bodies(got) == BODIES
    queue.ack(Q, receipts(got))
    assert queue.depth(Q) == Depth(0, 0, 0)
    assert not any(there.faults.values())


@pytest.mark.parametrize("operation", ["publish", "pull", "modifyAckDeadline", "acknowledge", "GET timeSeries"])
def test_what_does_not_work_at_all_is_an_error_that_names_the_queue(
    queue: PubSubQueue, there: Faulty, operation: str
) -> None:
    queue.send(Q, [b"1"])
    held = receipts(queue.receive(Q))
    there.faults = {operation: [BUSY] * ATTEMPTS}
    with pytest.raises(UnavailableError, match=Q):
        act(queue, operation, held)
    there.faults = {operation: [DENIED]}
    with pytest.raises(DeniedError, match=Q):
        act(queue, operation, held)


def act(queue: PubSubQueue, operation: str, held: list[str]) -> None:
    match operation:
        case "publish":
            queue.send(Q, [b"2"])
        case "pull":
            queue.receive(Q)
        case "modifyAckDeadline":
            queue.release(Q, held)
        case "acknowledge":
            queue.ack(Q, held)
        case _:
            queue.depth(Q)


def test_a_message_whose_answer_is_lost_is_sent_at_least_once(queue: PubSubQueue, there: Faulty) -> None:
    there.faults = {"publish": [lost]}
    queue.send(Q, [b"1"])
    assert set(bodies(queue.receive(Q))) == {b"1"}


def test_messages_whose_delivery_is_lost_come_back(
    queue: PubSubQueue, there: Faulty, api: Api, place: GcpPlace
) -> None:
    delivered = []

    def on_its_way(_: Body, forward: Forward) -> None:
        delivered.extend(json.loads(forward().body)["receivedMessages"])

    queue.send(Q, [b"1"])
    there.faults = {"pull": [on_its_way]}
    assert queue.receive(Q) == []
    # As if the time had passed for which the subscription itself leaves messages in hand.
    lease = {"ackIds": [one["ackId"] for one in delivered], "ackDeadlineSeconds": 0}
    api.call("POST", f"{path(place, 'subscriptions', Q)}:modifyAckDeadline", lease)
    assert [(one.body, one.attempts) for one in queue.receive(Q)] == [(b"1", 2)]


def test_what_is_acknowledged_twice_is_done_once(queue: PubSubQueue, there: Faulty) -> None:
    queue.send(Q, BODIES[:3])
    got = queue.receive(Q)
    there.faults = {"acknowledge": [lost]}
    queue.ack(Q, receipts(got))
    assert queue.depth(Q) == Depth(0, 0, 0)


def test_a_receipt_that_is_wrong_spoils_no_other(queue: PubSubQueue, there: Faulty) -> None:
    queue.send(Q, BODIES[:5])
    good = receipts(queue.receive(Q))
    until, name, _ = good[0].split("/", 2)
    queue.ack(Q, [*good[:2], f"{until}/{name}/nonsense", *good[2:]])
    assert queue.depth(Q) == Depth(0, 0, 0)
    assert len(there.bodies("acknowledge")) > 1


def test_batches_are_as_large_as_pubsub_takes_them(queue: PubSubQueue, there: Faulty) -> None:
    queue.send(Q, [b"x"] * 2_100)
    assert [len(body["messages"]) for body in there.bodies("publish")] == [1_000, 1_000, 100]
    queue.send("large", [b"x" * MESSAGE_LIMIT] * 40)
    sizes = [sum(len(one["data"]) for one in body["messages"]) for body in there.bodies("publish")[3:]]
    assert len(sizes) == 2
    assert max(sizes) < 10_000_000


def test_a_queue_is_asked_more_than_once_before_it_counts_as_empty(queue: PubSubQueue, there: Faulty) -> None:
    queue.send(Q, [b"1"])
    there.faults = {"pull": [answered({}), answered({})]}
    assert bodies(queue.receive(Q)) == [b"1"]
    there.calls.clear()
    assert queue.receive(Q) == []
    assert len(there.bodies("pull")) == 3


def test_leases_and_delays_are_cut_at_ten_minutes(queue: PubSubQueue, there: Faulty) -> None:
    queue.send(Q, [b"1"])
    (message,) = queue.receive(Q, lease=1e6)
    queue.release(Q, [message.receipt], delay=1e6)
    queue.send(Q, [b"2"])
    (other,) = queue.receive(Q, lease=59.2)
    queue.release(Q, [other.receipt], delay=0.3)
    assert [body["ackDeadlineSeconds"] for body in there.bodies("modifyAckDeadline")] == [600, 600, 60, 1]
    assert 0 < float(message.receipt.partition("/")[0]) - time.time() <= 600


def test_a_queue_is_made_whole_by_its_first_message(queue: PubSubQueue, api: Api, place: GcpPlace) -> None:
    queue.send(Q, [b"1"])
    made = api.call("GET", path(place, "subscriptions", Q))
    assert made["deadLetterPolicy"]["maxDeliveryAttempts"] == 5
    assert made["deadLetterPolicy"]["deadLetterTopic"].endswith(f"{place.queues}-{Q}-dead")
    assert made["messageRetentionDuration"] == "1209600s"
    dead = api.call("GET", path(place, "subscriptions", f"{Q}-dead"))
    assert dead["topic"].endswith(f"{place.queues}-{Q}-dead")
    assert "deadLetterPolicy" not in dead


def test_a_topic_to_which_nobody_subscribes_gets_a_subscription_first(
    queue: PubSubQueue, api: Api, place: GcpPlace
) -> None:
    """Somebody has made it, and was killed before he made the rest."""
    api.call("PUT", path(place, "topics", Q), {})
    queue.send(Q, [b"1"])
    assert bodies(queue.receive(Q)) == [b"1"]


def test_where_queues_may_not_be_made_the_stack_must_make_them(queue: PubSubQueue, there: Faulty) -> None:
    there.faults = {"PUT topics": [DENIED]}
    with pytest.raises(DeniedError, match=rf"no queue {Q} .* the stack"):
        queue.send(Q, [b"1"])


def test_who_may_only_publish_relies_on_the_stack(queue: PubSubQueue, place: GcpPlace, api: Api, there: Faulty) -> None:
    queue.send(Q, [b"1"])
    publisher = PubSubQueue(lambda _: api, place, (), lambda: SENT)
    there.faults = {"GET subscriptions": [DENIED]}
    there.calls.clear()
    publisher.send(Q, [b"2"])
    publisher.send(Q, [b"3"])
    assert [called for called, _ in there.calls] == ["GET subscriptions", "publish", "publish"]
    assert bodies(queue.receive(Q)) == [b"1", b"2", b"3"]


def test_a_queue_that_was_removed_is_empty_until_it_is_made_anew(queue: PubSubQueue, api: Api, place: GcpPlace) -> None:
    queue.send(Q, [b"1"])
    for kind in ("subscriptions", "topics"):
        api.call("DELETE", path(place, kind, Q))
    assert queue.receive(Q) == []
    queue.send(Q, [b"2"])
    assert bodies(queue.receive(Q)) == [b"2"]


def test_a_queue_that_hangs_on_another_topic_takes_nothing(queue: PubSubQueue, place: GcpPlace, api: Api) -> None:
    """It was made before events fed it: what is sent to it now would never arrive."""
    PubSubQueue(lambda _: api, place, (), lambda: SENT).send(FED, [b"1"])
    with pytest.raises(UnavailableError, match=rf"queue {FED}: .* hangs on .*{FED}, and not on .*-events: delete it"):
        queue.send(FED, [b"2"])


def test_a_queue_that_events_feed_gets_what_is_sent_to_it_alone(queue: PubSubQueue, api: Api, place: GcpPlace) -> None:
    queue.send(FED, [b"sent"])
    event = {"data": b64encode(b"told").decode(), "attributes": {"ce-type": "loopwright.drift.detected", "ce-id": "e1"}}
    other = {"data": b64encode(b"other").decode(), "attributes": {"ce-type": "loopwright.training.failed"}}
    api.call("POST", f"{path(place, 'topics', 'events')}:publish", {"messages": [event, other]})
    sent, told = queue.receive(FED)
    assert (sent.body, told.body, told.id) == (b"sent", b"told", "e1")


def test_a_dead_event_comes_back_to_its_queue_alone(place: GcpPlace, api: Api, queue: PubSubQueue) -> None:
    both = PubSubQueue(lambda _: api, place, (*SUBSCRIPTIONS, Subscription("loopwright.", "everything")), lambda: SENT)
    for name in (FED, "everything"):
        both.send(name, [])
        both._topics.ready(name)
    event = {"data": b64encode(b"told").decode(), "attributes": {"ce-type": "loopwright.drift.detected", "ce-id": "e1"}}
    api.call("POST", f"{path(place, 'topics', 'events')}:publish", {"messages": [event]})
    for _ in range(5):
        both.release(FED, receipts(both.receive(FED)))
    assert both.receive(FED) == []
    assert both.redrive(FED) == 1
    assert [(one.id, one.attempts) for one in both.receive(FED)] == [("e1", 1)]
    assert bodies(both.receive("everything")) == [b"told"]


def test_messages_of_others_are_read_as_they_are(queue: PubSubQueue, api: Api, place: GcpPlace) -> None:
    queue.send(Q, [b"ours"])
    theirs = {"data": b64encode(b"theirs").decode()}
    api.call("POST", f"{path(place, 'topics', Q)}:publish", {"messages": [theirs]})
    mine, other = queue.receive(Q)
    assert (mine.body, mine.sent) == (b"ours", SENT)
    assert other.body == b"theirs"
    assert abs(other.sent - time.time()) < 60


def test_any_number_of_dead_messages_can_be_looked_at_and_redriven(queue: PubSubQueue) -> None:
    die(queue, BODIES)
    looked = queue.dead(Q, limit=100)
    assert sorted(bodies(looked)) == sorted(BODIES)
    assert queue.depth(Q) == Depth(0, 0, 25)
    assert queue.redrive(Q) == 25
    got = queue.receive(Q, limit=100)
    assert sorted(one.id for one in got) == sorted(one.id for one in looked)
    assert {(message.attempts, message.sent) for message in got} == {(1, SENT)}


def test_a_redrive_that_is_cut_off_loses_nothing(queue: PubSubQueue, there: Faulty) -> None:
    die(queue, [b"1", b"2"])
    there.faults = {"publish": [DENIED]}
    with pytest.raises(DeniedError):
        queue.redrive(Q)
    assert queue.depth(Q) == Depth(0, 0, 2)


def test_a_redrive_that_ends_before_it_removes_sends_twice_and_loses_nothing(queue: PubSubQueue, there: Faulty) -> None:
    die(queue, [b"1"])
    there.faults = {"acknowledge": [DENIED]}
    with pytest.raises(DeniedError):
        queue.redrive(Q)
    assert queue.depth(Q) == Depth(1, 0, 1)


def test_the_filter_of_a_queue_is_no_longer_than_pubsub_takes_it() -> None:
    assert filter_of("a", ["x.y.", "x.", "z", "x."]) == (
        'attributes.queue = "a" OR hasPrefix(attributes."ce-type", "x.") OR hasPrefix(attributes."ce-type", "z")'
    )
    with pytest.raises(DefinitionError, match=r"queue a: the filter .* 256 is the most"):
        filter_of("a", [f"{number}{'x' * 40}" for number in range(5)])


def test_a_queue_called_events_is_not_the_topic_of_events(queue: PubSubQueue) -> None:
    queue.send("events", [b"1"])
    assert bodies(queue.receive("events")) == [b"1"]
    assert bodies(queue.receive(FED)) == []
