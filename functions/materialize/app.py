"""Materializing on demand or by schedule: `POST /materialize` brings what changed in the lake online."""

from typing import Final

from functions.application import Application, Function, compose
from functions.openapi import operation
from functions.web import Answer, Endpoint, json_answer
from loopwright.definitions import Project
from loopwright.features.materialize import materialize
from loopwright.ports import Platform


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform, project)])


def build(platform: Platform, project: Project) -> Function:
    """Return the function."""

    def act(_: object) -> Answer:
        return json_answer(materialize_views(platform, project))

    endpoint = Endpoint("/materialize", act, platform.telemetry, threaded=True)
    return Function([endpoint], {"/materialize": {"post": _DESCRIBED}})


def materialize_views(platform: Platform, project: Project) -> dict[str, object]:
    """Bring what changed online and return by feature view how many rows were read and written.

    Raises:
        UnavailableError: not now; what is online stays as it is, and it may be repeated.
    """
    now = platform.clock()
    done = [materialize(platform, view, now=now) for view in project.views]
    return {one.view: {"rows_read": one.rows_read, "rows_written": one.rows_written} for one in done}


_COUNT: Final = {"type": "integer"}

_DESCRIBED: Final = operation(
    "materialize",
    "Bring rows that changed in the lake since the last time into the online store.",
    answer={
        "type": "object",
        "description": "By feature view.",
        "additionalProperties": {
            "type": "object",
            "properties": {"rows_read": _COUNT, "rows_written": _COUNT},
            "required": ["rows_read", "rows_written"],
        },
    },
)
