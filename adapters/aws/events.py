"""Events on an EventBridge bus; which of them were published is in the table (see `adapters.publishing`).

The stack's rules put the detail of an event, a structured-mode CloudEvent, into the queues that subscribe to its type.
"""

import random
import time
from collections.abc import Callable
from typing import Any, Final

from typing_extensions import override

from adapters.aws.api import ATTEMPTS, Api
from adapters.aws.replies import ServiceError, translated
from adapters.publishing import Publishing
from loopwright.clock import Clock, NewId
from loopwright.ports import Table
from loopwright.ports.events import Event, Events

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
    """Events on a bus, each once as long as nobody dies."""

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
        """Keep the place: EventBridge and the bus's name; the rest is as for `Publishing`."""
        self._api = api
        self._bus = bus
        self._sleep = sleep
        self._publishing = Publishing(table, clock, new_id, sleep=sleep, timer=timer, stamp=stamp)

    @override
    def publish(self, event: Event) -> None:
        def send(body: bytes) -> None:
            with translated(f"publish {event.type}"):
                self._send(event, body)

        self._publishing.publish(event, send)

    @override
    def recent(self, *, limit: int = 100) -> list[Event]:
        return self._publishing.recent(limit=limit)

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
