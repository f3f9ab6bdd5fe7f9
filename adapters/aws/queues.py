"""Messages in SQS queues, each with a queue for its dead letters."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from typing_extensions import override

from adapters.aws.api import Api
from adapters.aws.batches import Batches, missing
from adapters.aws.messages import BATCH, batches, dead_name, entry_of, message_of, queue_name, seconds_of
from adapters.aws.replies import ServiceError, translated, translation
from adapters.rules import MAX_ATTEMPTS, check_bodies
from loopwright.clock import Clock, system_clock
from loopwright.errors import DeniedError
from loopwright.ports.queues import Depth, Message, Queue

_LOOK: Final = 20.0
"""Seconds for which dead messages are in hand while they are looked at."""

_MOVE: Final = 60.0
_KEPT: Final = "1209600"
"""Seconds for which SQS keeps a message: two weeks, which is the most."""

_EXISTS: Final = frozenset({"QueueAlreadyExists", "QueueNameExists"})


class SqsQueue(Queue):
    """Messages in SQS queues called `<prefix>-<queue>`, and their dead ones in `<prefix>-<queue>-dead`.

    Leases run by the clock of SQS, in whole seconds. A message is found dead by whoever would take it the sixth time.
    On AWS `depth` is an estimate, and an answer of `receive` may lack messages that the next one has.
    """

    def __init__(
        self,
        api: Api,
        prefix: str,
        clock: Clock,
        *,
        account: str = "",
        now: Clock = system_clock,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open the queues; `clock` says when a message was sent, `now` how long it has been in hand.

        Whose `account` is known knows the queues' URLs too, and saves the call that asks for them: the first request to
        a fresh process waits for it.
        """
        self._calls = Batches(api, sleep)
        self._prefix = prefix
        self._clock = clock
        self._now = now
        self._urls: dict[str, str] = {}
        self._begin = f"https://{api.host}/{account}/" if account else ""
        self._released: dict[str, float] = {}

    @override
    def send(self, queue: str, bodies: Sequence[bytes]) -> None:
        check_bodies(queue, bodies)
        sent = self._clock()
        self._send(queue, [entry_of(body, sent) for body in bodies])

    @override
    def receive(self, queue: str, *, limit: int = 10, lease: float = 60.0) -> list[Message]:
        name = queue_name(self._prefix, queue)
        got: list[Message] = []
        while len(got) < limit:
            some = self._take(name, min(limit - len(got), BATCH), max(lease, 1.0))
            if not some:
                break
            got += some
        return got

    @override
    def ack(self, queue: str, receipts: Sequence[str]) -> None:
        handles = self._in_hand(receipts)
        self._finish(queue_name(self._prefix, queue), "DeleteMessageBatch", handles, {})

    @override
    def release(self, queue: str, receipts: Sequence[str], *, delay: float = 0.0) -> None:
        handles = self._in_hand(receipts)
        name = queue_name(self._prefix, queue)
        self._finish(name, "ChangeMessageVisibilityBatch", handles, {"VisibilityTimeout": seconds_of(delay)})
        # SQS would still take the receipts, and they are no longer good for anything.
        self._released |= handles

    @override
    def depth(self, queue: str) -> Depth:
        name = queue_name(self._prefix, queue)
        ready, in_flight = self._counts(name)
        return Depth(ready, in_flight, sum(self._counts(dead_name(name))))

    @override
    def dead(self, queue: str, *, limit: int = 10) -> list[Message]:
        name = dead_name(queue_name(self._prefix, queue))
        taken: list[Message] = []
        while len(taken) < limit:
            some = self._take_dead(name, min(limit - len(taken), BATCH), _LOOK)
            if not some:
                break
            taken += some
        handles = self._in_hand([message.receipt for message in taken])
        self._finish(name, "ChangeMessageVisibilityBatch", handles, {"VisibilityTimeout": 0})
        return [Message(each.id, "", each.body, MAX_ATTEMPTS, each.sent) for each in taken]

    @override
    def redrive(self, queue: str) -> int:
        name = dead_name(queue_name(self._prefix, queue))
        moved = 0
        # Sent first and removed then: who is killed in between has sent some twice, and lost none.
        while some := self._take_dead(name, BATCH, _MOVE):
            self._send(queue, [entry_of(message.body, message.sent) for message in some])
            handles = self._in_hand([message.receipt for message in some])
            self._finish(name, "DeleteMessageBatch", handles, {})
            moved += len(some)
        return moved

    def _send(self, queue: str, entries: Sequence[dict[str, Any]]) -> None:
        name = queue_name(self._prefix, queue)
        for batch in batches(entries):
            url = self._url(name) or self._made(queue, name)
            try:
                self._calls.send(url, batch)
            except ServiceError as error:
                if not missing(error):
                    raise translation(error, f"send to {name}") from error
                with translated(f"send to {name}"):
                    self._calls.send(self._made(queue, name), batch)

    def _take(self, name: str, limit: int, lease: float, *, wait: int = 0) -> list[Message]:
        """Take up to ten messages; none where there is no such queue."""
        until = self._now() + lease
        wanted = {
            "MaxNumberOfMessages": limit,
            "VisibilityTimeout": seconds_of(lease),
            "WaitTimeSeconds": wait,
            "AttributeNames": ["ApproximateReceiveCount", "SentTimestamp"],
            "MessageAttributeNames": ["All"],
        }
        got = self._ask(name, "ReceiveMessage", wanted).get("Messages", [])
        return [message_of(one, f"{until!r}/{one['ReceiptHandle']}") for one in got]

    def _take_dead(self, name: str, limit: int, lease: float) -> list[Message]:
        """Take up to ten dead messages; an empty answer is asked about again where SQS counts some."""
        some = self._take(name, limit, lease)
        return some or (self._take(name, limit, lease, wait=1) if self._counts(name)[0] else [])

    def _in_hand(self, receipts: Sequence[str]) -> dict[str, float]:
        """Return the handles of receipts whose lease still runs, and until when."""
        now = self._now()
        self._released = {handle: until for handle, until in self._released.items() if until > now}
        handles: dict[str, float] = {}
        for receipt in receipts:
            until, _, handle = receipt.partition("/")
            if handle and handle not in self._released and _moment(until) > now:
                handles[handle] = _moment(until)
        return handles

    def _finish(self, name: str, operation: str, handles: Mapping[str, float], also: Mapping[str, object]) -> None:
        entries = [{"ReceiptHandle": handle, **also} for handle in handles]
        url = self._url(name) if entries else None
        if url is None:
            return
        try:
            for start in range(0, len(entries), BATCH):
                self._calls.finish(operation, url, entries[start : start + BATCH])
        except ServiceError as error:
            if not missing(error):
                raise translation(error, f"finish messages of {name}") from error

    def _counts(self, name: str) -> tuple[int, int]:
        """Return how many messages a queue has ready, and how many in hand or delayed."""
        wanted = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        told = self._ask(name, "GetQueueAttributes", {"AttributeNames": wanted}).get("Attributes", {})
        ready, in_hand, delayed = (int(told.get(which, 0)) for which in wanted)
        return ready, in_hand + delayed

    def _ask(self, name: str, operation: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Call an operation on a queue; an empty answer where there is no such queue."""
        url = self._url(name)
        if url is None:
            return {}
        try:
            return self._calls.call(operation, {"QueueUrl": url, **body})
        except ServiceError as error:
            if not missing(error):
                raise translation(error, f"{operation} of {name}") from error
            self._urls.pop(name, None)
            return {}

    def _url(self, name: str) -> str | None:
        """Return a queue's URL, or None where it is known that there is no such queue."""
        if self._begin:
            return self._begin + name
        if name not in self._urls:
            try:
                self._urls[name] = self._calls.call("GetQueueUrl", {"QueueName": name})["QueueUrl"]
            except ServiceError as error:
                if missing(error):
                    return None
                raise translation(error, f"find the queue {name}") from error
        return self._urls.get(name)

    def _made(self, queue: str, name: str) -> str:
        """Make a queue and that of its dead letters, and return its URL."""
        try:
            dead = self._create(dead_name(name), {})
            told = self._calls.call("GetQueueAttributes", {"QueueUrl": dead, "AttributeNames": ["QueueArn"]})
            policy = {"deadLetterTargetArn": told["Attributes"]["QueueArn"], "maxReceiveCount": MAX_ATTEMPTS}
            self._urls[name] = self._create(name, {"RedrivePolicy": msgspec.json.encode(policy).decode()})
        except ServiceError as error:
            reason = translation(error, f"make the queue {name}")
            if isinstance(reason, DeniedError):
                reason = DeniedError(f"there is no queue {queue} ({name}), and only the stack may make one: {error}")
            raise reason from error
        return self._urls[name]

    def _create(self, name: str, attributes: Mapping[str, str]) -> str:
        wanted = {"QueueName": name, "Attributes": {"MessageRetentionPeriod": _KEPT, **attributes}}
        try:
            url: str = self._calls.call("CreateQueue", wanted)["QueueUrl"]
        except ServiceError as error:
            # Somebody made it, in another way.
            if error.code not in _EXISTS:
                raise
            url = self._calls.call("GetQueueUrl", {"QueueName": name})["QueueUrl"]
        return url


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
