"""Messages that are delivered at least once."""

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

MESSAGE_LIMIT: Final = 240_000
"""The most bytes that one message may have, on every provider."""


class Message(msgspec.Struct, frozen=True):
    """A message in hand; the receipt is for this delivery only. `attempts` counts deliveries from 1."""

    id: str
    receipt: str
    body: bytes
    attempts: int
    sent: float


class Depth(msgspec.Struct, frozen=True):
    """How many messages are ready, in somebody's hands, and dead."""

    ready: int
    in_flight: int
    dead: int


class Queue(Protocol):
    """Named queues, made by their first message. At least once: a consumer must be idempotent.

    Order is usual but not promised. A message that is neither acknowledged nor released within its lease comes back;
    one that was delivered `max_attempts` times (5) without an acknowledgement is dead: kept aside until it is redriven.
    """

    def send(self, queue: str, bodies: Sequence[bytes]) -> None:
        """Send messages; what this returned for is durable. Any number of bodies.

        Raises:
            InvalidInputError: a body is over `MESSAGE_LIMIT`; nothing was sent.
        """
        ...

    def receive(self, queue: str, *, limit: int = 10, lease: float = 60.0) -> list[Message]:
        """Take up to `limit` ready messages into hand for `lease` seconds; an empty list when there are none."""
        ...

    def ack(self, queue: str, receipts: Sequence[str]) -> None:
        """Finish messages. A receipt whose lease has passed is ignored: its message belongs to somebody else."""
        ...

    def release(self, queue: str, receipts: Sequence[str], *, delay: float = 0.0) -> None:
        """Give messages back, to be delivered again after `delay` seconds."""
        ...

    def depth(self, queue: str) -> Depth:
        """Count the messages; a queue that does not exist counts 0.

        Where `Capabilities.counts_in_flight` is false the counts may be some minutes old, and messages in hand are
        among the ready ones: good for people to look at, not to decide by.
        """
        ...

    def dead(self, queue: str, *, limit: int = 10) -> list[Message]:
        """Look at dead messages without taking them."""
        ...

    def redrive(self, queue: str) -> int:
        """Make every dead message ready again, as if it were new, and return how many."""
        ...
