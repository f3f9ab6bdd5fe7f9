"""What SQS does that no other provider does: batches succeed in part, receipts go stale, queues must be made."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.aws.place import AwsPlace
from adapters.aws.queues import SqsQueue
from loopwright.errors import DeniedError, UnavailableError
from loopwright.ports.queues import MESSAGE_LIMIT, Depth, Message
from tests.clouds.aws import client, moto, throwaway
from tests.clouds.faulty import Body, Fault, Faulty, Forward, faulty, impatient, lost, refused

Q = "predictions"
SENT = 1_000.5
BODIES = [str(number).encode() for number in range(25)]
THROTTLED = refused("ThrottlingException")


@pytest.fixture
def place() -> Iterator[AwsPlace]:
    with throwaway(moto(), ()) as made:
        yield made


@pytest.fixture
def aws() -> Iterator[Faulty]:
    with faulty(moto()) as started:
        yield started


@pytest.fixture(params=["asks for URLs", "knows its account"])
def queue(place: AwsPlace, aws: Faulty, request: pytest.FixtureRequest) -> SqsQueue:
    """A queue whose calls may go wrong."""
    account = place.account if request.param == "knows its account" else ""
    return SqsQueue(impatient("sqs", aws.url), place.queues, lambda: SENT, account=account, sleep=lambda _: None)


def test_whose_account_is_known_asks_for_no_url(place: AwsPlace, aws: Faulty) -> None:
    queue = SqsQueue(impatient("sqs", aws.url), place.queues, lambda: SENT, account=place.account)
    queue.send(Q, [b"1"])
    queue.ack(Q, receipts(queue.receive(Q)))
    assert not aws.bodies("GetQueueUrl")


def bodies(messages: list[Message]) -> list[bytes]:
    return [message.body for message in messages]


def receipts(messages: list[Message]) -> list[str]:
    return [message.receipt for message in messages]


def sqs() -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
    return client(moto(), "sqs")


def url(place: AwsPlace, queue: str = Q) -> str:
    found: str = sqs().get_queue_url(QueueName=f"{place.queues}-{queue}")["QueueUrl"]
    return found


def failing(code: str, *, ours: bool) -> Fault:
    """Do a batch but for its first entry and every third after it."""

    def fault(body: Body, forward: Forward) -> Body:
        entries = body["Entries"]
        rest = [entry for number, entry in enumerate(entries) if number % 3]
        answer = forward({**body, "Entries": rest}) if rest else {"Successful": []}
        failed = [{"Id": one["Id"], "Code": code, "SenderFault": ours} for one in entries[::3]]
        return {**answer, "Failed": failed}

    return fault


BUSY = failing("InternalError", ours=False)


def die(queue: SqsQueue, messages: list[bytes]) -> None:
    queue.send(Q, messages)
    for _ in range(5):
        queue.release(Q, receipts(queue.receive(Q, limit=100)))
    assert queue.receive(Q) == []


def test_what_failed_in_a_batch_is_sent_again_and_nothing_else(queue: SqsQueue, aws: Faulty) -> None:
    aws.faults = {"SendMessageBatch": [BUSY, BUSY, BUSY, THROTTLED, BUSY]}
    queue.send(Q, BODIES)
    assert sorted(bodies(queue.receive(Q, limit=100))) == sorted(BODIES)
    assert not any(aws.faults.values())


def test_what_failed_to_be_acknowledged_or_released_is_tried_again(queue: SqsQueue, aws: Faulty) -> None:
    queue.send(Q, BODIES)
    got = queue.receive(Q, limit=100)
    aws.faults = {"DeleteMessageBatch": [BUSY, BUSY], "ChangeMessageVisibilityBatch": [BUSY, BUSY]}
    queue.ack(Q, receipts(got[:10]))
    queue.release(Q, receipts(got[10:]))
    assert queue.depth(Q) == Depth(15, 0, 0)


def test_messages_that_can_never_be_sent_are_an_error(queue: SqsQueue, aws: Faulty) -> None:
    queue.send(Q, BODIES[:1])
    aws.faults = {"SendMessageBatch": [failing("InvalidMessageContents", ours=True)]}
    with pytest.raises(UnavailableError, match="InvalidMessageContents"):
        queue.send(Q, BODIES)
    aws.faults = {"SendMessageBatch": [BUSY] * 50}
    with pytest.raises(UnavailableError, match="SendMessageBatch"):
        queue.send(Q, BODIES)


def test_stale_receipts_are_ignored_and_other_refusals_are_not(queue: SqsQueue, aws: Faulty) -> None:
    queue.send(Q, BODIES[:4])
    got = receipts(queue.receive(Q))
    aws.faults = {"DeleteMessageBatch": [failing("ReceiptHandleIsInvalid", ours=True)]}
    queue.ack(Q, got)
    assert queue.depth(Q) == Depth(0, 2, 0)
    aws.faults = {"ChangeMessageVisibilityBatch": [failing("AccessDenied", ours=True)]}
    with pytest.raises(DeniedError):
        queue.release(Q, got)


def test_a_message_whose_answer_is_lost_is_sent_at_least_once(queue: SqsQueue, aws: Faulty) -> None:
    aws.faults = {"SendMessageBatch": [lost]}
    queue.send(Q, [b"1"])
    assert set(bodies(queue.receive(Q))) == {b"1"}


def test_batches_are_as_large_as_sqs_takes_them(queue: SqsQueue, aws: Faulty) -> None:
    large = [bytes([number]) * MESSAGE_LIMIT for number in (0, 255, 65)]
    queue.send(Q, [b"the queue is made by it"])
    before = len(aws.bodies("SendMessageBatch"))
    queue.send(Q, [*BODIES, *large])
    assert [len(body["Entries"]) for body in aws.bodies("SendMessageBatch")[before:]] == [10, 10, 6, 1, 1]
    assert bodies(queue.receive(Q, limit=100))[1:] == [*BODIES, *large]


def test_a_queue_is_made_with_one_for_its_dead_letters(queue: SqsQueue, aws: Faulty, place: AwsPlace) -> None:
    queue.send(Q, [b"1"])
    told = sqs().get_queue_attributes(QueueUrl=url(place), AttributeNames=["All"])["Attributes"]
    assert '"maxReceiveCount":5' in told["RedrivePolicy"].replace(" ", "")
    assert f"{place.queues}-{Q}-dead" in told["RedrivePolicy"]
    queue.send(Q, [b"2"])
    assert len(aws.bodies("CreateQueue")) == 2


def test_where_queues_may_not_be_made_the_stack_must_make_them(queue: SqsQueue, aws: Faulty) -> None:
    aws.faults = {"CreateQueue": [refused("AccessDenied", 403)]}
    with pytest.raises(DeniedError, match="the stack"):
        queue.send(Q, [b"1"])


def test_a_queue_of_the_stack_is_used_as_it_is(queue: SqsQueue, aws: Faulty, place: AwsPlace) -> None:
    sqs().create_queue(QueueName=f"{place.queues}-{Q}", Attributes={"VisibilityTimeout": "7"})
    queue.send(Q, [b"1"])
    assert aws.bodies("CreateQueue") == []


def test_dead_letters_may_wait_for_their_queue(queue: SqsQueue, place: AwsPlace) -> None:
    sqs().create_queue(QueueName=f"{place.queues}-{Q}-dead", Attributes={"VisibilityTimeout": "7"})
    queue.send(Q, [b"1"])
    assert queue.depth(Q) == Depth(1, 0, 0)


def test_a_queue_that_was_removed_is_empty_until_it_is_made_anew(queue: SqsQueue, place: AwsPlace) -> None:
    queue.send(Q, [b"1"])
    sqs().delete_queue(QueueUrl=url(place))
    assert queue.receive(Q) == []
    queue.send(Q, [b"2"])
    sqs().delete_queue(QueueUrl=url(place))
    queue.send(Q, [b"3"])
    assert bodies(queue.receive(Q)) == [b"3"]


def test_messages_of_others_are_read_as_they_are(queue: SqsQueue, place: AwsPlace) -> None:
    queue.send(Q, [b"ours"])
    sqs().send_message(QueueUrl=url(place), MessageBody='{"theirs": "é"}')
    ours, theirs = queue.receive(Q)
    assert (ours.body, ours.sent) == (b"ours", SENT)
    assert theirs.body == '{"theirs": "é"}'.encode()
    assert abs(theirs.sent - time.time()) < 60


def test_others_read_ours_as_text(queue: SqsQueue, place: AwsPlace) -> None:
    queue.send(Q, ['{"a": "é"}'.encode(), b"\x00\xff"])
    text, binary = sqs().receive_message(
        QueueUrl=url(place), MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
    )["Messages"]
    assert text["Body"] == '{"a": "é"}'
    assert binary["Body"] == "-"
    assert binary["MessageAttributes"]["body"]["BinaryValue"] == b"\x00\xff"


def test_a_lease_is_asked_for_in_whole_seconds(queue: SqsQueue, aws: Faulty) -> None:
    queue.send(Q, [b"1"])
    (message,) = queue.receive(Q, lease=0.1)
    queue.receive(Q, lease=59.2)
    queue.receive(Q, lease=1e6)
    assert [body["VisibilityTimeout"] for body in aws.bodies("ReceiveMessage")] == [1, 1, 60, 43_200]
    queue.release(Q, [message.receipt], delay=0.3)
    assert aws.bodies("ChangeMessageVisibilityBatch")[0]["Entries"][0]["VisibilityTimeout"] == 1


def test_any_number_of_dead_messages_can_be_looked_at_and_redriven(queue: SqsQueue) -> None:
    die(queue, BODIES)
    assert sorted(bodies(queue.dead(Q, limit=100))) == sorted(BODIES)
    assert queue.depth(Q) == Depth(0, 0, 25)
    assert queue.redrive(Q) == 25
    got = queue.receive(Q, limit=100)
    assert sorted(bodies(got)) == sorted(BODIES)
    assert {(message.attempts, message.sent) for message in got} == {(1, SENT)}


def test_a_redrive_that_is_cut_off_loses_nothing(queue: SqsQueue, aws: Faulty) -> None:
    die(queue, [b"1", b"2"])
    aws.faults = {"SendMessageBatch": [refused("AccessDenied", 403)]}
    with pytest.raises(DeniedError):
        queue.redrive(Q)
    assert queue.depth(Q) == Depth(0, 0, 2)


def hidden(_: Body, __: Forward) -> Body:
    """Answer from a server of SQS's that has none of the messages."""
    return {}


def test_dead_messages_are_found_though_sqs_hides_them_at_first(queue: SqsQueue, aws: Faulty) -> None:
    die(queue, [b"1"])
    aws.faults = {"ReceiveMessage": [hidden]}
    assert bodies(queue.dead(Q)) == [b"1"]
    aws.faults = {"ReceiveMessage": [hidden]}
    assert queue.redrive(Q) == 1
