"""Events on an EventBridge bus, and in the table which of them were published.

Items, all of which expire 30 days after they were written:

    event/<digest of the id>, published    who publishes this event, or that it was: {"claim", "sent"}
    events, <moment>/<digest of the id>    the event itself: {"body"}

The stack's rules put the detail of an event, a structured-mode CloudEvent, into the queues that subscribe to its type.
"""

import hashlib
import random
import time
from collections.abc import Callable
from typing import Any, Final

from typing_extensions import override

from adapters.aws.api import ATTEMPTS, Api
from adapters.aws.replies import ServiceError, translated
from adapters.cloudevents import decode, encode
from loopwright.clock import Clock, NewId
from loopwright.errors import ConflictError, DeniedError, InvalidInputError, UnavailableError
from loopwright.ports import Table
from loopwright.ports.events import Event, Events
from loopwright.ports.table import ABSENT, Expectation, Key, Put, Value, Version

KEPT: Final = 30 * 86_400.0
"""Seconds for which an event is known: told again within them it is dropped."""

LEASE: Final = 15.0
"""Seconds after which who has begun to publish an event and has not come to an end counts as dead."""

_LIMIT: Final = 240_000
_PARTITION: Final = "events"
_LOOK: Final = 0.05
_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 1.5
_REFUSED: Final = frozenset(
    {
        "AccessDeniedException",
        "InvalidArgument",
        "MalformedDetail",
        "NotAuthorizedForDetailTypeException",
        "NotAuthorizedForSourceException",
    }
)
"""An entry that was refused with one of these is refused again."""


class EventBridgeEvents(Events):
    """Events on a bus, each once as long as nobody dies: who publishes one claims its id, sends it, and marks it sent.

    The mark is written after the event was sent, so that a process that dies in between makes it arrive again rather
    than never: whoever publishes it next takes the claim over after `LEASE`. Others wait until it is known to be sent.
    """

    def __init__(
        self,
        api: Api,
        bus: str,
        table: Table,
        clock: Clock,
        new_id: NewId,
        *,
        sleep: Callable[[float], None] = time.sleep,
        timer: Callable[[], float] = time.monotonic,
        stamp: Callable[[], int] = time.time_ns,
    ) -> None:
        """Keep the place.

        Args:
            api: EventBridge.
            bus: the bus's name.
            table: remembers what was published.
            clock: this moment, by which items expire.
            new_id: names a claim.
            sleep: waits for others, and between attempts.
            timer: measures how long others were waited for; a replayed clock may stand still.
            stamp: orders events for `recent`.
        """
        self._api = api
        self._bus = bus
        self._table = table
        self._clock = clock
        self._new_id = new_id
        self._sleep = sleep
        self._timer = timer
        self._stamp = stamp

    @override
    def publish(self, event: Event) -> None:
        body = encode(event)
        if len(body) > _LIMIT:
            raise InvalidInputError(f"event {event.id}: {len(body):,} bytes; {_LIMIT:,} is the most")
        key = Key(f"event/{_digest(event.id)}", "published")
        claim = self._claimed(key)
        if claim is None:
            return
        try:
            with translated(f"publish {event.type}"):
                self._send(event, body)
        except (DeniedError, UnavailableError):
            self._give_up(key, claim)
            raise
        self._mark(key, claim, body)

    @override
    def recent(self, *, limit: int = 100) -> list[Event]:
        found = self._table.query(_PARTITION, limit=limit, reverse=True)
        return [decode(body) for item in found if isinstance(body := item.value["body"], bytes)]

    def _claimed(self, key: Key) -> int | None:
        """Return the version of our claim, or None when the event was sent; wait while somebody else sends it."""
        seen, since = None, self._timer()
        while True:
            item = self._table.get(key)
            if item is None:
                claim = self._claim(key, ABSENT)
            elif item.value["sent"]:
                return None
            elif item.value["claim"] != seen:
                seen, since, claim = item.value["claim"], self._timer(), None
            else:
                # A claim that stands for as long as we have looked belongs to somebody who died.
                dead = self._timer() - since >= LEASE
                claim = self._claim(key, Version(item.version)) if dead else None
            if claim is not None:
                return claim
            self._sleep(_LOOK)

    def _claim(self, key: Key, expect: Expectation) -> int | None:
        try:
            value: dict[str, Value] = {"claim": self._new_id(), "sent": False}
            return self._table.put(key, value, expect=expect, expires=self._clock() + LEASE)
        except ConflictError:
            return None

    def _mark(self, key: Key, claim: int, body: bytes) -> None:
        expires = self._clock() + KEPT
        listed = Key(_PARTITION, f"{self._stamp():020d}/{key.partition.removeprefix('event/')}")
        # Who was so slow that the claim is no longer there marks the event all the same; who was so slow that somebody
        # took over leaves that to him: the event was sent twice, and is listed once.
        for expect in (Version(claim), ABSENT):
            mark = Put(key, {"claim": "", "sent": True}, expect=expect, expires=expires)
            try:
                self._table.transact([mark, Put(listed, {"body": body}, expires=expires)])
            except ConflictError:
                continue
            return

    def _give_up(self, key: Key, claim: int) -> None:
        """Let the next one try at once."""
        try:
            self._table.delete(key, expect=Version(claim))
        except (ConflictError, UnavailableError):
            return

    def _send(self, event: Event, body: bytes) -> None:
        entry = {
            "EventBusName": self._bus,
            "Source": event.source,
            "DetailType": event.type,
            "Detail": body.decode(),
        }
        for attempt in range(1, ATTEMPTS + 1):
            answer = self._api.call("AWSEvents.PutEvents", {"Entries": [entry]}, version="1.1")
            if not answer.get("FailedEntryCount"):
                return
            refusal = _refusal(answer, attempt)
            if attempt == ATTEMPTS or refusal.code in _REFUSED:
                raise refusal
            self._sleep(random.uniform(0, min(_PAUSE * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311 - it only spreads


def _refusal(answer: dict[str, Any], attempt: int) -> ServiceError:
    """Return why the only entry was not taken; the call itself was."""
    (entry,) = answer["Entries"]
    code, message = str(entry.get("ErrorCode", "")), str(entry.get("ErrorMessage", ""))
    return ServiceError(code, message, 200, b"", repeated=attempt > 1)


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
