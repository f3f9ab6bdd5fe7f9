"""Messages in Pub/Sub, each queue with a topic for its dead letters."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import uuid4

from typing_extensions import override

from adapters.gcp import backlog
from adapters.gcp.api import Api
from adapters.gcp.messages import BATCH, LONGEST_LEASE, batches, entry_of, message_of, seconds_of
from adapters.gcp.place import GcpPlace
from adapters.gcp.replies import ServiceError, translated, translation
from adapters.gcp.topics import Topics
from adapters.queue_names import dead_name
from adapters.rules import MAX_ATTEMPTS, check_bodies
from loopwright.clock import Clock, system_clock
from loopwright.ports.events import Subscription
from loopwright.ports.queues import Depth, Message, Queue

_HOST: Final = "pubsub.googleapis.com"
_LOOKS: Final = 3
"""How often a queue is asked before it counts as empty: a server of Pub/Sub's may have none of its messages."""

_PAUSE: Final = 0.1
_MOVE: Final = 60.0
"""Seconds for which dead messages are in hand while they are redriven."""

_MISSING: Final = "NOT_FOUND"
_INVALID: Final = "INVALID_ARGUMENT"


class PubSubQueue(Queue):
    """Messages in Pub/Sub, found as `adapters.gcp.topics` says.

    Leases run by the clock of Pub/Sub, in whole seconds; neither a lease nor a delay is longer than ten minutes, what
    is asked for beyond that is cut. An answer of `receive` may lack messages that the next one has. `depth` is some
    minutes old, and counts what is in hand as ready.
    """

    def __init__(
        self,
        api: Callable[[str], Api],
        place: GcpPlace,
        subscriptions: Sequence[Subscription],
        clock: Clock,
        *,
        now: Clock = system_clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open the queues.

        Args:
            api: gives the client of a service, by its host.
            place: where they are.
            subscriptions: which events go into which queues.
            clock: says when a message was sent.
            now: says how long one has been in hand, and when it is counted.
            sleep: waits before a queue that seems empty is asked again.
        """
        self._api = api(_HOST)
        self._apis = api
        self._place = place
        self._topics = Topics(self._api, place, subscriptions)
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._released: dict[str, float] = {}

    @override
    def send(self, queue: str, bodies: Sequence[bytes]) -> None:
        check_bodies(queue, bodies)
        sent, attributes = self._clock(), self._topics.attributes(queue)
        entries = [entry_of(body, identity=uuid4().hex, sent=sent, attributes=attributes) for body in bodies]
        self._send(queue, entries)

    @override
    def receive(self, queue: str, *, limit: int = 10, lease: float = 60.0) -> list[Message]:
        got: list[Message] = []
        while len(got) < limit:
            some = self._take(queue, self._topics.name(queue), min(limit - len(got), BATCH), lease, again=not got)
            if not some:
                break
            got += some
        return got

    @override
    def ack(self, queue: str, receipts: Sequence[str]) -> None:
        name = self._topics.name(queue)
        self._finish(queue, name, list(self._in_hand(name, receipts)), "acknowledge", {})

    @override
    def release(self, queue: str, receipts: Sequence[str], *, delay: float = 0.0) -> None:
        name = self._topics.name(queue)
        hands = self._in_hand(name, receipts)
        self._finish(queue, name, list(hands), "modifyAckDeadline", {"ackDeadlineSeconds": seconds_of(delay)})
        # Pub/Sub might still take the receipts, and they are no longer good for anything.
        self._released |= hands

    @override
    def depth(self, queue: str) -> Depth:
        name = self._topics.name(queue)
        dead = dead_name(name)
        with translated(f"count the messages of the queue {queue} ({name})"):
            counts = backlog.undelivered(self._apis(backlog.HOST), self._place.project, [name, dead], self._now())
        return Depth(counts[name], 0, counts[dead])

    @override
    def dead(self, queue: str, *, limit: int = 10) -> list[Message]:
        name = dead_name(self._topics.name(queue))
        taken: list[dict[str, Any]] = []
        while len(taken) < limit:
            some = self._pulled(queue, name, min(limit - len(taken), BATCH), again=not taken)
            if not some:
                break
            taken += some
        back = {"ackDeadlineSeconds": 0}
        self._finish(queue, name, [str(one["ackId"]) for one in taken], "modifyAckDeadline", back)
        found = [message_of(one, "") for one in taken]
        return [Message(each.id, "", each.body, MAX_ATTEMPTS, each.sent) for each in found]

    @override
    def redrive(self, queue: str) -> int:
        name, attributes = dead_name(self._topics.name(queue)), self._topics.attributes(queue)
        moved = 0
        # Published first and acknowledged then: who is killed in between has sent some twice, and lost none.
        while some := self._take(queue, name, BATCH, _MOVE, again=not moved):
            entries = [entry_of(one.body, identity=one.id, sent=one.sent, attributes=attributes) for one in some]
            self._send(queue, entries)
            hands = self._in_hand(name, [one.receipt for one in some])
            self._finish(queue, name, list(hands), "acknowledge", {})
            moved += len(some)
        return moved

    def _send(self, queue: str, entries: Sequence[dict[str, Any]]) -> None:
        if not entries:
            return
        self._topics.ready(queue)
        topic = self._topics.topic(queue)
        path = f"/v1/projects/{self._place.project}/topics/{topic}:publish"
        doing = f"send to the queue {queue} (topic {topic})"
        for batch in batches(entries):
            try:
                self._api.call("POST", path, {"messages": batch})
            except ServiceError as error:
                if error.code != _MISSING:
                    raise translation(error, doing) from error
                self._topics.make(queue)
                with translated(doing):
                    self._api.call("POST", path, {"messages": batch})

    def _take(self, queue: str, name: str, limit: int, lease: float, *, again: bool) -> list[Message]:
        """Take up to a thousand messages of a subscription."""
        until = self._now() + min(max(lease, 1.0), LONGEST_LEASE)
        got = self._pulled(queue, name, limit, again=again)
        acks = [str(one["ackId"]) for one in got]
        # Who ends before this has them for as long as the subscription says.
        self._finish(queue, name, acks, "modifyAckDeadline", {"ackDeadlineSeconds": seconds_of(max(lease, 1.0))})
        return [message_of(one, f"{until!r}/{name}/{ack}") for one, ack in zip(got, acks, strict=True)]

    def _pulled(self, queue: str, name: str, limit: int, *, again: bool) -> list[dict[str, Any]]:
        """Pull up to a thousand messages, none where there is no such subscription; `again`: ask more than once."""
        for look in range(_LOOKS if again else 1):
            if look:
                self._sleep(_PAUSE)
            try:
                asked = {"maxMessages": limit, "returnImmediately": True}
                answer = self._api.call("POST", self._path(name, "pull"), asked)
            except ServiceError as error:
                if error.code != _MISSING:
                    raise translation(error, f"receive from the queue {queue} (subscription {name})") from error
                self._topics.forget(queue)
                return []
            if got := answer.get("receivedMessages"):
                return list(got)
        return []

    def _in_hand(self, name: str, receipts: Sequence[str]) -> dict[str, float]:
        """Return the acknowledgements of receipts of a subscription whose lease still runs, and until when."""
        now = self._now()
        self._released = {ack: until for ack, until in self._released.items() if until > now}
        hands: dict[str, float] = {}
        for receipt in receipts:
            until, _, rest = receipt.partition("/")
            whose, _, ack = rest.partition("/")
            if whose == name and ack not in self._released and _moment(until) > now:
                hands[ack] = _moment(until)
        return hands

    def _finish(self, queue: str, name: str, acks: Sequence[str], verb: str, also: dict[str, int]) -> None:
        """Do something with messages in hand; those that are no longer in it are left alone."""
        for start in range(0, len(acks), BATCH):
            some = list(acks[start : start + BATCH])
            try:
                self._api.call("POST", self._path(name, verb), {"ackIds": some, **also})
            except ServiceError as error:
                if error.code == _MISSING:
                    return
                if error.code != _INVALID:
                    raise translation(error, f"{verb} messages of the queue {queue} (subscription {name})") from error
                # One that is wrong has the whole call refused; it is found by halves.
                if len(some) > 1:
                    self._finish(queue, name, some[: len(some) // 2], verb, also)
                    self._finish(queue, name, some[len(some) // 2 :], verb, also)

    def _path(self, name: str, verb: str) -> str:
        return f"/v1/projects/{self._place.project}/subscriptions/{name}:{verb}"


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
