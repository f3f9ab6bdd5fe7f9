"""An import: what an MLflow server has comes here, with its identities, moments and lineage.

Experiments, runs with every point, artifacts, logged models, registered models with versions and aliases. Run again it
goes on where it was, brings what has changed there since, and adds nothing twice. Every run is read back and compared
before it counts as brought.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final

from loopwright.errors import LoopwrightError, NotFoundError, UnavailableError
from loopwright.ports import Platform
from loopwright.tracking import Experiment, Tracking
from loopwright.tracking.arrivals import Arrivals
from pipelines.importing.ledger import Counts, Ledger
from pipelines.importing.models import Moved, RegistryBringer, bring_logged_model, note_model, note_run
from pipelines.importing.report import Choice, Report, Tell
from pipelines.importing.runs import RunBringer, told_of
from pipelines.importing.server import Login, Server
from pipelines.importing.shapes import ExperimentShape, Pair, RunShape
from pipelines.importing.source import Source

_THREADS: Final = 8


def import_mlflow(
    platform: Platform,
    url: str,
    login: Login,
    choice: Choice,
    *,
    who: str,
    known_as: str = "",
    tell: Tell = lambda *_: None,
) -> Report:
    """Bring what the server has, and report.

    What has come before is remembered under the server's address, or under the name that it is known as.

    What cannot be brought is named in the report, and the rest goes on.

    Raises:
        InvalidInputError: this is no address of a server.
        NotFoundError: there is no experiment, or no registered model, of a name that was chosen.
        DeniedError: the server wants to know who one is.
        UnavailableError: it does not answer, or our provider does not; call again, and it goes on.
    """
    with closing(Server(url, login)) as server:
        server.version()
        return _Import(platform, server, choice, who, tell, known_as or server.url).go()


class _Import:
    def __init__(self, platform: Platform, server: Server, choice: Choice, who: str, tell: Tell, name: str) -> None:
        self._platform = platform
        self._source = Source(server)
        self._choice = choice
        self._who = who
        self._tell = tell
        self._ledger = Ledger(platform.table, name)
        self._runs = RunBringer(platform, self._source, artifacts=choice.artifacts)
        self._moved = Moved()
        self._report = Report(server.url)
        self._mine = threading.Lock()
        self._run_ids: set[str] = set()

    def go(self) -> Report:
        for shape in self._chosen():
            self._experiment(shape)
        self._registered()
        return self._report

    def _chosen(self) -> list[ExperimentShape]:
        found = list(self._source.experiments(deleted=self._choice.deleted))
        wanted = set(self._choice.experiments)
        if missing := sorted(wanted - {one.name for one in found}):
            names = ", ".join(sorted(one.name for one in found))
            raise NotFoundError(f"{self._report.server} has no experiment {missing[0]!r}: it has {names}")
        return [one for one in found if not wanted or one.name in wanted]

    def _experiment(self, shape: ExperimentShape) -> None:
        tracking = self._tracking()
        here = self._arrived(shape)
        was_deleted = here.deleted is not None
        runs = list(self._source.runs(shape.experiment_id, deleted=self._choice.deleted))
        with self._mine:
            self._report.experiments += 1
            self._report.there += len(runs)
        for run in runs:
            self._run_ids.add(run.info.run_id)
            note_run(self._moved, here, run.info.run_id, run.info.artifact_uri)
        waiting = [run for run in runs if not self._known(run)]
        if waiting and was_deleted:
            tracking.restore_experiment(here.id)
        with ThreadPoolExecutor(_THREADS) as pool:
            # All of them are waited for, and the first error that ends everything is raised.
            list(pool.map(lambda run: self._run(run, here), waiting))
        self._logged_models(shape, here)
        if shape.lifecycle_stage == "deleted":
            tracking.delete_experiment(here.id)

    def _arrived(self, shape: ExperimentShape) -> Experiment:
        platform = self._platform
        one = Experiment(
            shape.experiment_id,
            shape.name,
            shape.creation_time / 1e3,
            shape.last_update_time / 1e3,
            _pairs(shape.tags),
        )
        return Arrivals(platform.table, clock=platform.clock, new_id=platform.new_id).experiment(one)

    def _known(self, run: RunShape) -> bool:
        """Say whether a run is here as it is told; one that still works is looked at again, for its files."""
        counts = self._ledger.known(run.info.run_id, self._told(run))
        if counts is None or run.info.status in {"RUNNING", "SCHEDULED"}:
            return False
        self._done(counts, run, unchanged=True)
        return True

    def _run(self, run: RunShape, experiment: Experiment) -> None:
        try:
            counts = self._runs.bring(run, experiment.id)
        except UnavailableError:
            raise
        except LoopwrightError as error:
            self._problem(f"run {run.info.run_id}: {error}")
            return
        self._ledger.remember(run.info.run_id, self._told(run), counts)
        self._done(counts, run)

    def _told(self, run: RunShape) -> str:
        """Return what is remembered of a run: an import without artifacts is no import with them."""
        return f"{told_of(run)}{'' if self._choice.artifacts else ' without artifacts'}"

    def _done(self, counts: Counts, run: RunShape, *, unchanged: bool = False) -> None:
        with self._mine:
            self._report.here += counts
            self._report.unchanged += unchanged
            self._tell(self._report, f"run {run.info.run_name or run.info.run_id}")

    def _logged_models(self, shape: ExperimentShape, here: Experiment) -> None:
        for one in self._source.logged_models(shape.experiment_id):
            note_model(self._moved, here, one)
            self._report.logged_models_there += 1
            try:
                files, size = bring_logged_model(
                    self._platform, self._source, one, here, artifacts=self._choice.artifacts
                )
            except UnavailableError:
                raise
            except LoopwrightError as error:
                self._problem(f"logged model {one.info.model_id}: {error}")
                continue
            with self._mine:
                self._report.logged_models += 1
                self._report.model_files += files
                self._report.model_bytes += size
                self._tell(self._report, f"logged model {one.info.name}")

    def _registered(self) -> None:
        wanted = set(self._choice.models)
        found = [one for one in self._source.registered_models() if not wanted or one.name in wanted]
        if missing := sorted(wanted - {one.name for one in found}):
            raise NotFoundError(f"{self._report.server} has no registered model {missing[0]!r}")
        why = f"imported from {self._report.server}"
        bringer = RegistryBringer(self._platform, self._source, self._moved, who=self._who, why=why)
        for one in found:
            if self._choice.experiments and not wanted and not self._concerned(one.name):
                continue
            self._report.registered_models_there += 1
            try:
                brought = bringer.bring(one)
            except UnavailableError:
                raise
            except LoopwrightError as error:
                self._problem(f"registered model {one.name!r}: {error}")
                continue
            for problem in brought.problems:
                self._problem(problem)
            self._report.registered_models += 1
            self._report.versions_there += brought.there
            self._report.versions += brought.here
            self._tell(self._report, f"registered model {one.name}")

    def _concerned(self, name: str) -> bool:
        """Say whether a registered model has a version of one of the runs that came."""
        return any(version.run_id in self._run_ids for version in self._source.versions(name))

    def _problem(self, text: str) -> None:
        with self._mine:
            self._report.problems += (text,)

    def _tracking(self) -> Tracking:
        platform = self._platform
        return Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)


def _pairs(pairs: list[Pair]) -> dict[str, str]:
    return {one.key: one.value for one in pairs}
