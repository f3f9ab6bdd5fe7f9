"""Monitoring on demand or by schedule: `POST /monitor` folds what was logged and judges the windows that have ended."""

from collections.abc import Mapping
from typing import Final

from functions.application import Application, Function, compose
from functions.openapi import operation
from functions.web import Answer, Endpoint, json_answer
from loopwright.clock import isoformat
from loopwright.definitions import Project
from loopwright.monitoring.monitor import Monitor, MonitorReport
from loopwright.ports import Platform


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform, project)])


def build(platform: Platform, project: Project) -> Function:
    """Return the function."""
    monitor = Monitor(platform, project)

    def act(_: object) -> Answer:
        now = platform.clock()
        return json_answer({model.name: _told(monitor.run(model.name, now=now)) for model in project.models})

    return Function([Endpoint("/monitor", act, platform.telemetry, threaded=True)], {"/monitor": {"post": _DESCRIBED}})


def _told(report: MonitorReport) -> Mapping[str, object]:
    return {
        "champion": report.version,
        "predictions": report.rows,
        "labels": report.labels,
        "alerts": [
            {"kind": alert.kind, "detail": alert.detail, "end": isoformat(alert.end)} for alert in report.raised
        ],
    }


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
