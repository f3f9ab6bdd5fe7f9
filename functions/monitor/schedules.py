"""What comes round by the clock where no worker runs: monitoring, schedules of retraining, housekeeping."""

from collections.abc import Callable, Mapping

from functions.retrain.deciding import decide_due
from loopwright.clock import isoformat
from loopwright.definitions import Project
from loopwright.errors import LoopwrightError
from loopwright.housekeeping import maintain
from loopwright.monitoring.monitor import Monitor, MonitorReport
from loopwright.ports import Platform
from loopwright.triggers.service import Triggers


def schedules(platform: Platform, project: Project) -> Mapping[str, Callable[[], object]]:
    """Return what is done when it is due, by its name; each may be repeated, and killed, at any moment."""
    monitor, triggers = Monitor(platform, project), Triggers(platform, project)
    return {
        "monitor": lambda: monitor_models(monitor, project, now=platform.clock()),
        "schedules": lambda: decide_due(triggers, now=platform.clock()),
        "housekeeping": lambda: sorted(maintain(platform, project)),
    }


def monitor_models(monitor: Monitor, project: Project, *, now: float) -> dict[str, object]:
    """Monitor each model and return by its name what was found; one that fails holds no other up.

    Raises:
        LoopwrightError: the first failure, after all of them were tried.
    """
    told: dict[str, object] = {}
    failed: list[LoopwrightError] = []
    for model in project.models:
        try:
            told[model.name] = _told(monitor.run(model.name, now=now))
        except LoopwrightError as error:
            failed.append(error)
    if failed:
        raise failed[0]
    return told


def _told(report: MonitorReport) -> Mapping[str, object]:
    return {
        "champion": report.version,
        "predictions": report.rows,
        "labels": report.labels,
        "alerts": [
            {"kind": alert.kind, "detail": alert.detail, "end": isoformat(alert.end)} for alert in report.raised
        ],
    }
