import pytest

from loopwright.clock import ReplayClock
from loopwright.errors import InvalidInputError
from loopwright.ports import Platform, Queue
from loopwright.ports.queues import MESSAGE_LIMIT, Depth, Message
from loopwright.settings import Settings
from tests.contracts.counting import Depths
from tests.contracts.racing import processes, threads
from tests.contracts.waiting import Leases
from tests.contracts.worlds import DAWN, Pace

Q = "predictions"


@pytest.fixture
def queue(platform: Platform) -> Queue:
    return platform.queue


def receipts(messages: list[Message]) -> list[str]:
    return [message.receipt for message in messages]


def bodies(messages: list[Message]) -> list[bytes]:
    return [message.body for message in messages]


def test_messages_come_as_they_were_sent(queue: Queue, clock: ReplayClock) -> None:
    queue.send(Q, [b"first", b""])
    clock.set(DAWN + 5)
    queue.send(Q, [b"\x00\xff"])
    got = queue.receive(Q)
    assert bodies(got) == [b"first", b"", b"\x00\xff"]
    assert [message.attempts for message in got] == [1, 1, 1]
    assert [message.sent for message in got] == [DAWN, DAWN, DAWN + 5]
    assert len({message.id for message in got}) == len({message.receipt for message in got}) == 3


def test_a_queue_that_nobody_sent_to_is_empty(queue: Queue, depths: Depths) -> None:
    assert queue.receive(Q) == []
    assert queue.dead(Q) == []
    assert queue.redrive(Q) == 0
    depths.are(Q, Depth(0, 0, 0))
    queue.ack(Q, ["1.x"])
    queue.release(Q, ["1.x"])
    queue.send(Q, [])
    depths.are(Q, Depth(0, 0, 0))


@pytest.mark.parametrize("name", ["a", "predictions/delays", 'a "b"', "a'; DROP TABLE x; --", "ä☂"])
def test_a_queue_may_have_any_name(queue: Queue, name: str) -> None:
    queue.send(name, [b"1"])
    queue.send(name + "2", [b"2"])
    assert bodies(queue.receive(name)) == [b"1"]


def test_queues_do_not_share_messages(queue: Queue, depths: Depths) -> None:
    queue.send("a", [b"1"])
    queue.send("b", [b"2"])
    got = queue.receive("a")
    queue.ack("b", receipts(got))
    depths.are("a", Depth(0, 1, 0))
    depths.are("b", Depth(1, 0, 0))


def test_a_message_in_hand_is_not_given_to_others(queue: Queue, depths: Depths) -> None:
    queue.send(Q, [b"1", b"2", b"3"])
    assert bodies(queue.receive(Q, limit=2)) == [b"1", b"2"]
    assert bodies(queue.receive(Q, limit=2)) == [b"3"]
    assert queue.receive(Q) == []
    depths.are(Q, Depth(0, 3, 0))


def test_an_acknowledged_message_is_gone(queue: Queue, depths: Depths, leases: Leases) -> None:
    queue.send(Q, [b"1", b"2"])
    got = queue.receive(Q, limit=1, lease=leases.seconds)
    queue.ack(Q, receipts(got) * 2)
    leases.run_out()
    depths.are(Q, Depth(1, 0, 0))
    assert bodies(queue.receive(Q)) == [b"2"]


def test_a_message_comes_back_after_its_lease(queue: Queue, depths: Depths, leases: Leases) -> None:
    queue.send(Q, [b"1"])
    (first,) = queue.receive(Q, lease=leases.seconds)
    leases.nearly_run_out()
    assert queue.receive(Q) == []
    leases.run_out()
    depths.are(Q, Depth(1, 0, 0))
    (second,) = queue.receive(Q)
    assert (second.id, second.body, second.attempts) == (first.id, b"1", 2)
    assert second.receipt != first.receipt


def test_a_receipt_whose_lease_has_passed_is_ignored(queue: Queue, depths: Depths, leases: Leases) -> None:
    queue.send(Q, [b"1"])
    old = receipts(queue.receive(Q, lease=leases.seconds))
    leases.run_out()
    queue.ack(Q, old)
    queue.release(Q, old)
    depths.are(Q, Depth(1, 0, 0))
    queue.receive(Q)
    queue.ack(Q, old)
    queue.release(Q, old)
    depths.are(Q, Depth(0, 1, 0))


def test_a_receipt_that_was_never_given_is_ignored(queue: Queue, depths: Depths) -> None:
    queue.send(Q, [b"1"])
    queue.receive(Q)
    for nonsense in ("", ".", "1", "1.", "x.y", "1.y", "-1.y", "9" * 40 + ".y"):
        queue.ack(Q, [nonsense])
        queue.release(Q, [nonsense])
    depths.are(Q, Depth(0, 1, 0))


def test_a_released_message_comes_back_at_once(queue: Queue) -> None:
    queue.send(Q, [b"1"])
    got = queue.receive(Q)
    queue.release(Q, receipts(got))
    queue.ack(Q, receipts(got))
    (again,) = queue.receive(Q)
    assert again.attempts == 2


def test_a_released_message_may_wait(queue: Queue, depths: Depths, leases: Leases) -> None:
    queue.send(Q, [b"1"])
    queue.release(Q, receipts(queue.receive(Q)), delay=leases.seconds)
    assert queue.receive(Q) == []
    depths.are(Q, Depth(0, 1, 0))
    leases.run_out()
    assert bodies(queue.receive(Q)) == [b"1"]


def test_a_message_is_dead_after_five_deliveries(queue: Queue, depths: Depths, leases: Leases) -> None:
    queue.send(Q, [b"poison", b"fine"])
    for attempt in range(1, 6):
        poison, *fine = queue.receive(Q, lease=leases.seconds)
        assert (poison.body, poison.attempts) == (b"poison", attempt)
        queue.ack(Q, receipts(fine))
        if attempt % 2:
            queue.release(Q, [poison.receipt])
        else:
            leases.run_out()
    assert queue.receive(Q) == []
    depths.are(Q, Depth(0, 0, 1))
    (dead,) = queue.dead(Q)
    assert (dead.id, dead.body, dead.attempts, dead.sent) == (poison.id, b"poison", 5, DAWN)


def test_looking_at_the_dead_does_not_wake_them(queue: Queue) -> None:
    kill(queue, [b"1", b"2"])
    assert bodies(queue.dead(Q)) == bodies(queue.dead(Q)) == [b"1", b"2"]
    assert bodies(queue.dead(Q, limit=1)) == [b"1"]


def test_dead_messages_live_again_as_if_new(queue: Queue, depths: Depths) -> None:
    kill(queue, [b"1", b"2"])
    queue.send(Q, [b"3"])
    assert queue.redrive(Q) == 2
    depths.are(Q, Depth(3, 0, 0))
    assert sorted((message.body, message.attempts) for message in queue.receive(Q)) == [(b"1", 1), (b"2", 1), (b"3", 1)]
    assert queue.redrive(Q) == 0


def kill(queue: Queue, messages: list[bytes]) -> None:
    queue.send(Q, messages)
    for _ in range(5):
        queue.release(Q, receipts(queue.receive(Q)))
    # Some providers find a message dead when somebody would take it.
    assert queue.receive(Q) == []


def test_a_message_may_be_as_large_as_the_limit_says(queue: Queue, depths: Depths) -> None:
    queue.send(Q, [b"x" * MESSAGE_LIMIT])
    with pytest.raises(InvalidInputError, match="240,000"):
        queue.send(Q, [b"fine", b"x" * (MESSAGE_LIMIT + 1)])
    depths.are(Q, Depth(1, 0, 0))


def test_any_number_of_messages_may_be_sent_and_received(queue: Queue, depths: Depths, pace: Pace) -> None:
    queue.send(Q, [str(number).encode() for number in range(pace.messages)])
    got = queue.receive(Q, limit=3_000)
    assert bodies(got) == [str(number).encode() for number in range(pace.messages)]
    queue.ack(Q, receipts(got))
    depths.are(Q, Depth(0, 0, 0))


def test_no_message_is_lost_or_in_two_hands_in_a_race(queue: Queue) -> None:
    def act(number: int) -> list[bytes]:
        got: list[bytes] = []
        for turn in range(20):
            queue.send(Q, [f"{number}/{turn}".encode()])
            mine = queue.receive(Q, limit=3)
            got += bodies(mine)
            queue.ack(Q, receipts(mine))
        return got

    taken = [body for got in threads(4, act) for body in got]
    taken += bodies(queue.receive(Q, limit=100))
    assert sorted(taken) == sorted(f"{number}/{turn}".encode() for number in range(4) for turn in range(20))


def test_processes_share_a_queue(durable: Platform, settings: Settings) -> None:
    taken = [body for got in processes(3, settings, send_and_take) for body in got]
    taken += bodies(durable.queue.receive(Q, limit=100))
    assert sorted(taken) == sorted(f"{number}/{turn}".encode() for number in range(3) for turn in range(20))


def send_and_take(platform: Platform, number: int) -> list[bytes]:
    got: list[bytes] = []
    for turn in range(20):
        platform.queue.send(Q, [f"{number}/{turn}".encode()])
        mine = platform.queue.receive(Q, limit=3)
        got += bodies(mine)
        platform.queue.ack(Q, receipts(mine))
    return got
