"""Monitoring on demand or by schedule: `POST /monitor` folds what was logged and judges the windows that have ended."""

from typing import Final

from functions.application import Application, Function, compose
from functions.monitor.schedules import monitor_models
from functions.openapi import operation
from functions.web import Answer, Endpoint, json_answer
from loopwright.definitions import Project
from loopwright.monitoring.monitor import Monitor
from loopwright.ports import Platform


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform, project)])


def build(platform: Platform, project: Project) -> Function:
    """Return the function."""
    monitor = Monitor(platform, project)

    def act(_: object) -> Answer:
        return json_answer(monitor_models(monitor, project, now=platform.clock()))

    return Function([Endpoint("/monitor", act, platform.telemetry, threaded=True)], {"/monitor": {"post": _DESCRIBED}})


_DESCRIBED: Final = operation(
    "monitor",
    "Count what was logged since the last time, judge the windows that have ended, raise alerts.",
    answer={
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {
                "champion": {"type": ["integer", "null"]},
                "predictions": {"type": "integer", "description": "Counted in this run, repeats dropped."},
                "labels": {"type": "integer", "description": "That came since the run before."},
                "alerts": {"type": "array", "items": {"type": "object"}},
            },
        },
    },
)
