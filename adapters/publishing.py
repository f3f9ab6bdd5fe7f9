"""Which events were published, kept in the table, so that one that is told again is dropped.

Items, all of which expire 30 days after they were written:

    event/<digest of the id>, published    who publishes this event, or that it was: {"claim", "sent"}
    events, <moment>/<digest of the id>    the event itself: {"body"}
"""

import hashlib
import time
from collections.abc import Callable
from typing import Final

from adapters.cloudevents import decode, encode
from loopwright.clock import Clock, NewId
from loopwright.errors import ConflictError, DeniedError, InvalidInputError, UnavailableError
from loopwright.ports import Table
from loopwright.ports.events import Event
from loopwright.ports.table import ABSENT, Expectation, Key, Put, Value, Version

KEPT: Final = 30 * 86_400.0
"""Seconds for which an event is known: told again within them it is dropped."""

LEASE: Final = 15.0
"""Seconds after which who has begun to publish an event and has not come to an end counts as dead."""

_LIMIT: Final = 240_000
_PARTITION: Final = "events"
_LOOK: Final = 0.05


class Publishing:
    """Publishes each event once as long as nobody dies: who publishes one claims its id, sends it, and marks it sent.

    The mark is written after the event was sent, so that a process that dies in between makes it arrive again rather
    than never: whoever publishes it next takes the claim over after `LEASE`. Others wait until it is known to be sent.
    """

    def __init__(
        self,
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
            table: remembers what was published.
            clock: this moment, by which items expire.
            new_id: names a claim.
            sleep: waits for others.
            timer: measures how long others were waited for; a replayed clock may stand still.
            stamp: orders events for `recent`.
        """
        self._table = table
        self._clock = clock
        self._new_id = new_id
        self._sleep = sleep
        self._timer = timer
        self._stamp = stamp

    def publish(self, event: Event, send: Callable[[bytes], None]) -> None:
        """Send an event, as a structured-mode CloudEvent in JSON, unless it was sent; errors are those of `send`.

        Raises:
            InvalidInputError: it is too large for some provider.
        """
        body = encode(event)
        if len(body) > _LIMIT:
            raise InvalidInputError(f"event {event.id}: {len(body):,} bytes; {_LIMIT:,} is the most")
        key = Key(f"event/{_digest(event.id)}", "published")
        claim = self._claimed(key)
        if claim is None:
            return
        try:
            send(body)
        except (DeniedError, UnavailableError):
            self._give_up(key, claim)
            raise
        self._mark(key, claim, body)

    def recent(self, *, limit: int) -> list[Event]:
        """Return the newest events that were sent, newest first."""
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


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
