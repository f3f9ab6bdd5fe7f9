"""The monitoring flow: one model's log, folded into windows and judged."""

from loopwright.definitions.project import Project
from loopwright.monitoring import Monitor, MonitorReport
from loopwright.ports import Platform


def monitor(platform: Platform, project: Project, model_name: str, *, at: float) -> MonitorReport:
    """Take in what was logged since the run before, and raise the alerts that it calls for; see `Monitor.run`."""
    return Monitor(platform, project).run(model_name, now=at)
