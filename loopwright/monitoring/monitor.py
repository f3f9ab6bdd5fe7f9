"""Monitoring of one model: fold what is new, measure what changed, look at the newest windows, raise alerts."""

from dataclasses import dataclass
from typing import Final

from loopwright.definitions.model import Model
from loopwright.definitions.project import Project
from loopwright.errors import ConflictError
from loopwright.monitoring.alerts import Alert
from loopwright.monitoring.fold import Fold
from loopwright.monitoring.history import History
from loopwright.monitoring.judging import Judging
from loopwright.monitoring.newcomers import labels_table, predictions_table
from loopwright.monitoring.newest import Newest, look
from loopwright.monitoring.store import NOTHING, WindowStore
from loopwright.ports import Platform
from loopwright.registry import Registry

CHUNK: Final = 90
"""So many windows are stored in one transaction, with the checkpoint."""

_RACES: Final = 10


@dataclass(frozen=True, slots=True)
class MonitorReport:
    """What one run of the monitor did and saw.

    Attributes:
        model: its name.
        at: the moment of the run.
        version: the champion's version; None: there is no champion, then nothing is judged.
        rows: predictions counted in this run, repeats dropped.
        slots: windows by arm and version that they fell into.
        labels: labels that came since the run before.
        newest: what the champion's newest complete windows look like; None: there is no champion, or no such window.
        raised: the alerts that this run raised.
        anew: the versions since the run before had expired, so all rows of the log were counted anew and nothing is
            missing; telemetry counts such runs as `monitor_counted_anew`.
    """

    model: str
    at: float
    version: int | None
    rows: int
    slots: int
    labels: int
    newest: Newest | None
    raised: tuple[Alert, ...]
    anew: bool = False


class Monitor:
    """Watches the models of a project; `chunk` windows are stored in one transaction."""

    def __init__(self, platform: Platform, project: Project, *, chunk: int = CHUNK) -> None:
        self._platform = platform
        self._chunk = chunk
        self._project = project

    def run(self, model_name: str, *, now: float) -> MonitorReport:
        """Take in what was logged since the run before, and raise the alerts that it calls for.

        It may be repeated and killed at any moment: every prediction is counted once, every alert is raised once per
        window. Windows that are not over at `now` are counted but not judged.

        Raises:
            NotFoundError: the project has no such model.
            ConflictError: others keep monitoring this model at the same time.
        """
        model = self._project.model(model_name)
        store = WindowStore(self._platform.table, model)
        for _ in range(_RACES):
            try:
                folded = Fold(self._platform, model, store, chunk=self._chunk).run()
                judging = Judging(self._platform.lake, self._platform.table, model, store, chunk=self._chunk)
                labels = judging.run(folded)
            except ConflictError:
                continue
            champion = self._champion(model)
            newest = look(History(self._platform.table, model), store, model, champion=champion, now=now)
            raised = self._raise(store, newest, now) if newest else ()
            if folded.forgotten:
                self._platform.telemetry.count("monitor_counted_anew", model=model_name)
            rows, slots = folded.rows, folded.slots
            return MonitorReport(model_name, now, champion, rows, slots, labels, newest, raised, folded.forgotten)
        raise ConflictError(f"model {model_name!r} is being monitored by others all the time: try again")

    def history(self, model_name: str) -> History:
        """Return what is known of a model, or raise `NotFoundError`."""
        return History(self._platform.table, self._project.model(model_name))

    def versions_needed(self, model_name: str) -> dict[str, int]:
        """Return the version of each lake table from which on the next run must be able to read changes."""
        store = WindowStore(self._platform.table, self._project.model(model_name))
        counted, judged = store.checkpoint()[0].counted, store.judged()[0]
        needed = {
            predictions_table(model_name): min(counted, judged.predictions) if judged.labels != NOTHING else counted,
            labels_table(model_name): judged.labels,
        }
        return {table: version for table, version in needed.items() if version != NOTHING}

    def _raise(self, store: WindowStore, newest: Newest, now: float) -> tuple[Alert, ...]:
        raised = tuple(alert for alert in newest.alerts if not store.is_raised(alert))
        for alert in raised:
            self._platform.events.publish(alert.event(project=self._project.name, now=now))
            store.keep_alert(alert)
        return raised

    def _champion(self, model: Model) -> int | None:
        registry = Registry(self._platform.table, clock=self._platform.clock, new_id=self._platform.new_id)
        return registry.routing(model.name).champion
