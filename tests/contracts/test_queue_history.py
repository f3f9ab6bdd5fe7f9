import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from adapters import open_platform
from loopwright.ports import Platform
from loopwright.ports.queues import Message
from tests.contracts.histories import History, play
from tests.contracts.worlds import WORLDS


class QueueHistory(History):
    """Receipts are the provider's own, so the history remembers them by platform."""

    def __init__(self) -> None:
        super().__init__()
        self.hands: list[dict[int, str]] = []

    @rule(queue=st.sampled_from(["a", "b"]), bodies=st.lists(st.binary(max_size=2), max_size=3))
    def send(self, queue: str, bodies: list[bytes]) -> None:
        self.same(lambda platform: platform.queue.send(queue, bodies))

    @rule(queue=st.sampled_from(["a", "b"]), limit=st.integers(1, 4), lease=st.sampled_from([5.0, 60.0]))
    def receive(self, queue: str, limit: int, lease: float) -> None:
        hands: dict[int, list[str]] = {}

        def act(platform: Platform) -> list[tuple[bytes, int, float]]:
            got = platform.queue.receive(queue, limit=limit, lease=lease)
            hands[id(platform)] = [message.receipt for message in got]
            return told(got)

        self.same(act)
        real, reference = hands[id(self.real)], hands[id(self.reference)]
        self.hands += [
            {id(self.real): mine, id(self.reference): theirs} for mine, theirs in zip(real, reference, strict=True)
        ]

    @precondition(lambda self: self.hands)
    @rule(queue=st.sampled_from(["a", "b"]), chosen=st.lists(st.integers(0, 50), max_size=3))
    def ack(self, queue: str, chosen: list[int]) -> None:
        self.same(lambda platform: platform.queue.ack(queue, self.receipts(platform, chosen)))

    @precondition(lambda self: self.hands)
    @rule(
        queue=st.sampled_from(["a", "b"]),
        chosen=st.lists(st.integers(0, 50), max_size=3),
        delay=st.sampled_from([0.0, 40.0]),
    )
    def release(self, queue: str, chosen: list[int], delay: float) -> None:
        self.same(lambda platform: platform.queue.release(queue, self.receipts(platform, chosen), delay=delay))

    @rule(queue=st.sampled_from(["a", "b"]))
    def redrive(self, queue: str) -> None:
        self.same(lambda platform: platform.queue.redrive(queue))

    @rule(queue=st.sampled_from(["a", "b"]))
    def wear_out(self, queue: str) -> None:
        for _ in range(4):
            self.receive(queue, 2, 5.0)
            self.time_passes(30.0)

    @invariant()
    def both_hold_the_same(self) -> None:
        for queue in ("a", "b"):
            self.same(lambda platform, queue=queue: platform.queue.depth(queue))  # type: ignore[misc] # a default binds it
            self.same(lambda platform, queue=queue: told(platform.queue.dead(queue)))  # type: ignore[misc]

    def receipts(self, platform: Platform, chosen: list[int]) -> list[str]:
        return [self.hands[number % len(self.hands)][id(platform)] for number in chosen]


def told(messages: list[Message]) -> list[tuple[bytes, int, float]]:
    return [(message.body, message.attempts, message.sent) for message in messages]


def test_queues_answer_as_the_reference_does(world: str) -> None:
    with WORLDS[world]() as settings:
        if not open_platform(settings).capabilities.leases_replay:
            pytest.skip("Capabilities.leases_replay is false: nobody can play with the time of this world's leases")
    play(QueueHistory, world)
