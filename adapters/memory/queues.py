"""Messages in dictionaries, one a queue."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace
from typing_extensions import override

from adapters.rules import MAX_ATTEMPTS, check_bodies
from loopwright.clock import Clock, NewId
from loopwright.ports.queues import Depth, Message, Queue


@dataclass(frozen=True, slots=True)
class _Held:
    """A message and the moment from which it may be taken; in hand or delayed before that."""

    message: Message
    available: float

    def dead(self, now: float) -> bool:
        return self.message.attempts >= MAX_ATTEMPTS and self.available <= now

    def ready(self, now: float) -> bool:
        return self.message.attempts < MAX_ATTEMPTS and self.available <= now


class MemoryQueue(Queue):
    """Messages in dictionaries, for tests and as the reference."""

    def __init__(self, clock: Clock, new_id: NewId) -> None:
        self._clock = clock
        self._new_id = new_id
        self._queues: dict[str, dict[str, _Held]] = {}
        self._lock = threading.Lock()

    @override
    def send(self, queue: str, bodies: Sequence[bytes]) -> None:
        check_bodies(queue, bodies)
        now = self._clock()
        with self._lock:
            held = self._queues.setdefault(queue, {})
            for body in bodies:
                message = Message(self._new_id(), "", bytes(body), 0, now)
                held[message.id] = _Held(message, now)

    @override
    def receive(self, queue: str, *, limit: int = 10, lease: float = 60.0) -> list[Message]:
        now = self._clock()
        with self._lock:
            held = self._queues.get(queue, {})
            taken = [
                replace(each.message, receipt=f"{each.message.id}.{self._new_id()}", attempts=each.message.attempts + 1)
                for each in self._first(held, lambda each: each.ready(now), limit)
            ]
            for message in taken:
                held[message.id] = _Held(message, now + lease)
        return taken

    @override
    def ack(self, queue: str, receipts: Sequence[str]) -> None:
        now = self._clock()
        with self._lock:
            held = self._queues.get(queue, {})
            for each in self._in_hand(held, receipts, now):
                del held[each.message.id]

    @override
    def release(self, queue: str, receipts: Sequence[str], *, delay: float = 0.0) -> None:
        now = self._clock()
        with self._lock:
            held = self._queues.get(queue, {})
            for each in self._in_hand(held, receipts, now):
                held[each.message.id] = _Held(replace(each.message, receipt=""), now + delay)

    @override
    def depth(self, queue: str) -> Depth:
        now = self._clock()
        with self._lock:
            held = list(self._queues.get(queue, {}).values())
        ready = sum(each.ready(now) for each in held)
        dead = sum(each.dead(now) for each in held)
        return Depth(ready, len(held) - ready - dead, dead)

    @override
    def dead(self, queue: str, *, limit: int = 10) -> list[Message]:
        now = self._clock()
        with self._lock:
            found = self._first(self._queues.get(queue, {}), lambda each: each.dead(now), limit)
        return [replace(each.message, receipt="") for each in found]

    @override
    def redrive(self, queue: str) -> int:
        now = self._clock()
        with self._lock:
            held = self._queues.get(queue, {})
            dead = self._first(held, lambda each: each.dead(now), len(held))
            for each in dead:
                held[each.message.id] = _Held(replace(each.message, receipt="", attempts=0), now)
        return len(dead)

    @staticmethod
    def _first(held: dict[str, _Held], wanted: Callable[[_Held], bool], limit: int) -> list[_Held]:
        return [each for each in held.values() if wanted(each)][:limit]

    @staticmethod
    def _in_hand(held: dict[str, _Held], receipts: Sequence[str], now: float) -> list[_Held]:
        known = {each.message.receipt: each for each in held.values() if each.available > now and each.message.receipt}
        return [known[receipt] for receipt in dict.fromkeys(receipts) if receipt in known]
