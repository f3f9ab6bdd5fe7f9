"""What AWS Lambda calls: requests go to the application, batches of a queue and schedules to whoever takes them."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from functions.application import Application
from functions.batches import Consumer
from functions.sqs import SOURCE, SqsEvent, take_records
from loopwright.errors import InvalidInputError
from loopwright.ports import Telemetry

if TYPE_CHECKING:
    from mangum import Mangum
    from mangum.types import LambdaContext, LambdaEvent

SCHEDULE: Final = "loopwright"
"""The member of a schedule's event that names what is due: `{"loopwright": "monitor"}`."""

_RUNTIME: Final = "awslambdaric"
"""Lambda's side of the process, which has been imported before any function is."""

_NOTHING: Final[Mapping[str, Callable[[], object]]] = {}


class Handler:
    """A function's handler.

    Lambda freezes a process as soon as it has answered, perhaps for ever: what an invocation has measured is written
    before it is answered.
    """

    def __init__(
        self,
        app: Application,
        telemetry: Telemetry,
        *,
        consumer: Consumer | None = None,
        schedules: Mapping[str, Callable[[], object]] = _NOTHING,
    ) -> None:
        """Make a handler.

        Args:
            app: answers requests.
            telemetry: is flushed after each invocation.
            consumer: takes batches of SQS records; those that have to come back are answered.
            schedules: what is done when it is due, by its name; what it returns is the invocation's answer.
        """
        self._app = app
        self._telemetry = telemetry
        self._consumer = consumer
        self._schedules = schedules
        if _RUNTIME in sys.modules:
            # What the first call needs is there before it comes; in a container it never comes, and nothing is loaded.
            _ = self._http

    @cached_property
    def _http(self) -> "Mangum":
        from mangum import Mangum  # noqa: PLC0415

        return Mangum(self._app, lifespan="off")

    def __call__(self, event: "LambdaEvent", context: "LambdaContext") -> object:
        """Do what the event asks for.

        Raises:
            InvalidInputError: the event is none that this function takes; the message says what it is.
        """
        try:
            return self._answer(event, context)
        finally:
            self._telemetry.flush()

    def _answer(self, event: "LambdaEvent", context: "LambdaContext") -> object:
        if "requestContext" in event:
            return self._http(event, context)
        if self._consumer and _sources(event) == {SOURCE}:
            return take_records(self._consumer, cast("SqsEvent", event))
        due = event.get(SCHEDULE)
        if isinstance(due, str) and due in self._schedules:
            return self._schedules[due]()
        raise InvalidInputError(f"this function takes no {_told(event)}; it takes {', '.join(self._takes())}")

    def _takes(self) -> Sequence[str]:
        queues = ["batches of SQS"] if self._consumer else []
        return ["requests over HTTP", *queues, *(f"the schedule {name!r}" for name in self._schedules)]


def _sources(event: Mapping[str, Any]) -> set[str]:
    records = event.get("Records")
    return {str(one.get("eventSource")) for one in records} if isinstance(records, list) else set()


def _told(event: Mapping[str, Any]) -> str:
    """Return what an event is, for whoever has to find out who sent it."""
    if sources := _sources(event):
        return f"batch of {', '.join(sorted(sources))}"
    if SCHEDULE in event:
        return f"schedule {event[SCHEDULE]!r}"
    named = event.get("detail-type") or event.get("source")
    return f"event {named!r}" if named else f"event with the members {', '.join(sorted(event)) or 'none'}"
