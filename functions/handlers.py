"""What AWS Lambda calls: requests go to the application, batches of a queue and schedules to whoever takes them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from functions.asgi import App
from functions.lambda_http import Event, LambdaHttp
from loopwright.errors import InvalidInputError
from loopwright.ports import Telemetry

if TYPE_CHECKING:
    from functions.batches import Consumer
    from functions.sqs import SqsEvent

SCHEDULE: Final = "loopwright"
"""The member of a schedule's event that names what is due: `{"loopwright": "monitor"}`."""

_SQS: Final = "aws:sqs"
_NOTHING: Final[Mapping[str, Callable[[], object]]] = {}


class Handler:
    """A function's handler.

    Lambda freezes a process as soon as it has answered, perhaps for ever: what an invocation has measured is written
    before it is answered.
    """

    def __init__(
        self,
        app: App,
        telemetry: Telemetry,
        *,
        consumer: "Consumer | None" = None,
        schedules: Mapping[str, Callable[[], object]] = _NOTHING,
    ) -> None:
        """Make a handler.

        Args:
            app: answers requests.
            telemetry: is flushed after each invocation.
            consumer: takes batches of SQS records; those that have to come back are answered.
            schedules: what is done when it is due, by its name; what it returns is the invocation's answer.
        """
        self._http = LambdaHttp(app)
        self._telemetry = telemetry
        self._consumer = consumer
        self._schedules = schedules

    def __call__(self, event: Event, _context: object) -> object:
        """Do what the event asks for.

        Raises:
            InvalidInputError: the event is none that this function takes; the message says what it is.
        """
        try:
            return self._answer(event)
        finally:
            self._telemetry.flush()

    def _answer(self, event: Event) -> object:
        if "requestContext" in event:
            return self._http(event)
        if self._consumer and _sources(event) == {_SQS}:
            from functions.sqs import take_records  # noqa: PLC0415 - most functions take no messages

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
