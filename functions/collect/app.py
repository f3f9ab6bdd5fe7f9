"""Collecting over HTTP: `POST /collect` drains the queues into the lake until they are empty."""

from typing import Final

from functions.application import Application, Function, compose
from functions.openapi import operation
from functions.web import Answer, Endpoint, json_answer
from loopwright.definitions import Project
from loopwright.ports import Platform
from loopwright.serving.collecting import Collected, collect

ROUNDS: Final = 50
"""How many drains one call makes at the most, so that it ends while others go on sending."""


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform, project)])


def build(platform: Platform, project: Project) -> Function:
    """Return the function."""

    def act(_: object) -> Answer:
        return json_answer(drain_told(platform, project))

    return Function([Endpoint("/collect", act, platform.telemetry, threaded=True)], {"/collect": {"post": _DESCRIBED}})


def drain(platform: Platform, project: Project, *, rounds: int = ROUNDS) -> Collected:
    """Collect until the queues are empty or `rounds` are over, and return the sum.

    Raises:
        UnavailableError: the lake or the queue does not answer; nothing is lost.
    """
    total = Collected()
    for _ in range(rounds):
        collected = collect(platform, project)
        total += collected
        if not collected.messages:
            break
    return total


def drain_told(platform: Platform, project: Project) -> dict[str, object]:
    """Drain the queues and return what landed; see `drain`."""
    collected = drain(platform, project)
    return {"rows": collected.rows, "messages": collected.messages, "failed": collected.failed}


_DESCRIBED: Final = operation(
    "collect",
    "Move predictions, labels and pushed features from the queues into the lake.",
    answer={
        "type": "object",
        "properties": {
            "rows": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "By table."},
            "messages": {"type": "integer"},
            "failed": {"type": "integer", "description": "Messages that do not fit and were given back."},
        },
        "required": ["rows", "messages", "failed"],
    },
)
