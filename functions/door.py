"""The way in for what is not people's: `POST /messages` for what is pushed, `POST /due/{what}` for schedules.

An answer of 2xx means that it is done. After any other the sender tries again; a message that never works is put aside
by its queue after five attempts, and what was wrong is in the log each time.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from functions.application import Application
from functions.batches import Consumer
from functions.problems import log_failure
from functions.pushes import pushed
from functions.web import Answer, Call, Endpoint, json_answer
from loopwright.errors import LoopwrightError, NotFoundError, UnavailableError
from loopwright.ports import Telemetry

MESSAGES: Final = "/messages"
DUE: Final = "/due/"

Schedules = Mapping[str, Callable[[], object]]
"""What is done when it is due, by its name; what it returns is told to who asked."""


def is_behind_it(path: str) -> bool:
    """Return whether a path is none of people's."""
    return path == MESSAGES or path.startswith(DUE)


def build(telemetry: Telemetry, consumer: Consumer | None, schedules: Schedules) -> Application:
    """Return what is behind the door. What was measured is written before it answers, and what failed is logged.

    Whoever has answered may be frozen, as functions are, until the next one comes.
    """

    def logged(act: Callable[[Call], Answer], call: Call) -> Answer:
        try:
            return act(call)
        except LoopwrightError as error:
            log_failure(f"{DUE}{call.path['what']}" if call.path else MESSAGES, error)
            raise
        finally:
            telemetry.flush()

    endpoints = []
    if consumer:
        endpoints.append(Endpoint(MESSAGES, partial(logged, partial(_take, consumer)), telemetry, threaded=True))
    if schedules:
        endpoints.append(Endpoint(f"{DUE}{{what}}", partial(logged, partial(_do, schedules)), telemetry, threaded=True))
    return Application(endpoints)


def _take(consumer: Consumer, call: Call) -> Answer:
    arrived = pushed(call.headers, call.body)
    message, queue = arrived.message, consumer.queue_of(*arrived.names)
    if consumer.take(queue, [message]):
        raise UnavailableError(
            f"message {message.id} of {queue} was not taken in its delivery {message.attempts}: it comes back"
        )
    return json_answer({"queue": queue, "message": message.id})


def _do(schedules: Schedules, call: Call) -> Answer:
    what = call.path["what"]
    if what not in schedules:
        raise NotFoundError(f"nothing is called {what!r} here that could be due: there is {', '.join(schedules)}")
    return json_answer(schedules[what]())
