"""What the worker does, each duty by itself; see the package for their order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from functions.retrain.deciding import decide_alert, decide_due
from functions.worker.occasions import PARTITION, Occasions
from loopwright.definitions import FeatureView, Project
from loopwright.errors import UnavailableError
from loopwright.features.materialize import materialize
from loopwright.housekeeping import maintain
from loopwright.monitoring.monitor import Monitor
from loopwright.ports import Platform
from loopwright.ports.table import Key
from loopwright.serving.collecting import DRAIN, QUEUES, collect
from loopwright.settings import TRIGGERS_QUEUE
from loopwright.triggers.service import Triggers

HEARTBEAT: Final = Key(PARTITION, "heartbeat")

_DAY: Final = 86_400.0
_TIDY_REST: Final = 60.0
_ALERTS: Final = 10
_NEWEST_JOBS: Final = 20


@dataclass(frozen=True, slots=True)
class EndedWindow:
    """A monitoring window of a model that has ended, by its end."""

    model: str
    end: float


class Duties:
    """The duties on one platform. All of them may be repeated, and killed, at any moment."""

    def __init__(self, platform: Platform, project: Project, *, lease: float, timer: Callable[[], float]) -> None:
        self._platform = platform
        self._project = project
        self._lease = lease
        self._occasions = Occasions(platform.table)
        self._monitor = Monitor(platform, project)
        self._triggers = Triggers(platform, project)
        self._timer = timer
        self._tidied = float("-inf")
        self._outage = False

    def collect(self) -> None:
        """Land everything that is in the queues.

        After an outage of the lake, messages that died of it are made alive again.

        Raises:
            UnavailableError, ConflictError: not now; nothing is lost.
        """
        try:
            while collect(self._platform, self._project, lease=self._lease).messages >= DRAIN:
                pass
        except UnavailableError:
            self._outage = True
            raise
        if self._outage:
            self._outage = False
            for queue in QUEUES:
                self._platform.queue.redrive(queue)

    def ended_windows(self, now: float) -> list[EndedWindow]:
        """Return, of every model whose newest ended window was not monitored yet, that window."""
        found = []
        for model in self._project.models:
            end = self._occasions.ended(f"monitor/{model.name}", model.monitors.window.total_seconds(), now)
            if end is not None:
                found.append(EndedWindow(model.name, end))
        return found

    def monitor(self, window: EndedWindow, now: float) -> None:
        """Monitor the window's model, and remember that it was."""
        self._monitor.run(window.model, now=now)
        self._occasions.done(f"monitor/{window.model}", window.end)

    def materialize(self, view: FeatureView, now: float) -> None:
        """Bring what changed in a view's source online."""
        materialize(self._platform, view, now=now)

    def alerts(self, now: float) -> None:
        """Let the rules decide about every alert; one that is none of ours is dropped, and counted."""
        while messages := self._platform.queue.receive(TRIGGERS_QUEUE, limit=_ALERTS, lease=self._lease):
            for message in messages:
                decide_alert(self._triggers, self._platform.telemetry, message.body, now=now)
                self._platform.queue.ack(TRIGGERS_QUEUE, [message.receipt])

    def schedules(self, now: float) -> None:
        """Let the rules decide about every schedule that is due."""
        decide_due(self._triggers, now=now)

    def tidy(self, now: float) -> None:
        """Put the lake in order when a night has passed; the night before the first start does not count.

        Where nights pass in seconds, because the clock is replayed, one in a minute is enough: files come by real work.
        """
        midnight = self._occasions.ended("housekeeping", _DAY, now)
        if midnight is None or self._timer() - self._tidied < _TIDY_REST:
            return
        if self._platform.table.get(Key(PARTITION, "housekeeping")) is not None:
            maintain(self._platform, self._project)
            self._tidied = self._timer()
        self._occasions.done("housekeeping", midnight)

    def is_idle(self) -> bool:
        """Return whether no message waits and no job runs; where nobody can tell that of messages, it is not so."""
        if not self._platform.capabilities.counts_in_flight:
            return False
        depths = [self._platform.queue.depth(queue) for queue in (*QUEUES, TRIGGERS_QUEUE)]
        if any(depth.ready or depth.in_flight for depth in depths):
            return False
        return not self.job_runs()

    def job_runs(self) -> bool:
        """Return whether a job is under way."""
        return any(job.state == "running" for job in self._platform.jobs.list(limit=_NEWEST_JOBS))

    def beat(self, now: float, refresh: Callable[[], None]) -> bool:
        """Write the heartbeat if everything up to this moment is done, and return whether it is.

        What was promoted until then is served from then on.
        """
        if not self.is_idle():
            return False
        refresh()
        self._platform.table.put(HEARTBEAT, {"at": now})
        return True
