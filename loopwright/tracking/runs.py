"""Runs: what one training did. What it logs is in `loopwright.tracking.logs`."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from loopwright.clock import Clock, NewId
from loopwright.errors import ConflictError, InvalidInputError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Key, Put, Table, Write
from loopwright.tracking import keys
from loopwright.tracking.entries import Entries
from loopwright.tracking.experiments import Experiments, in_view, living_experiment
from loopwright.tracking.histories import chunks
from loopwright.tracking.limits import check_first_tags, checked_run_id, checked_start
from loopwright.tracking.names import name_of
from loopwright.tracking.record import Head, Record, deleted_with, head_of
from loopwright.tracking.records import Records
from loopwright.tracking.values import ENDED, Experiment, Run, RunCursor, RunStatus, View


class Runs(Experiments):
    """Creates, changes, finds, deletes and restores runs."""

    def __init__(self, table: Table, *, clock: Clock, new_id: NewId) -> None:
        super().__init__(table, clock=clock, new_id=new_id)
        self._records = Records(table)

    def create_run(
        self,
        experiment_id: str,
        *,
        name: str,
        tags: Mapping[str, str] | None = None,
        run_id: str | None = None,
        started: float | None = None,
        user: str = "",
    ) -> Run:
        """Start a run, under a name that it gets if it has none.

        With a `run_id` that exists in the experiment, return that run as it is.

        Raises:
            NotFoundError: there is no such experiment.
            DeletedError: the experiment is deleted.
            ConflictError: the run exists in another experiment.
            InvalidInputError: an identity, start or tag that is not taken.
        """
        identity = checked_run_id(run_id) if run_id is not None else self._new_id()
        check_first_tags(tags or {})
        start = checked_start(self._clock() if started is None else started)
        known = name or name_of(identity)

        # Nobody has had an identity that is made here, unless a second look is needed.
        new = run_id is None

        def prepare() -> tuple[Sequence[Write], Run]:
            nonlocal new
            if not new and self._table.get(keys.home_key(identity)) is not None:
                return (), self._existing(experiment_id, identity)
            new = False
            experiment = living_experiment(self.experiment(experiment_id))
            head = Head(identity, experiment_id, known, "RUNNING", start, user=user, turn=experiment.turns)
            record = _begun(head, experiment, tags or {})
            pointer = {"partition": head.key.partition, "sort": head.key.sort}
            return [*record.writes(()), Put(keys.home_key(identity), pointer, expect=ABSENT)], record.run

        made = commit(self._table, prepare, what=f"run {identity}")
        # Whoever makes a run logs to it next.
        self._records.remember(identity, Key(keys.runs_partition(experiment_id), keys.run_sort(made.started, identity)))
        return made

    def run(self, run_id: str) -> Run:
        """Return a run, deleted or not, with the latest of each metric; or raise `NotFoundError`."""
        return self._records.read(run_id).run

    def experiment_of(self, run_id: str) -> str:
        """Return the identity of a run's experiment, which never changes, or raise `NotFoundError`."""
        return self._records.home(run_id).partition.partition("/")[2]

    def runs(
        self,
        experiment_id: str,
        *,
        view: View = "active",
        older_than: RunCursor | None = None,
        limit: int | None = None,
    ) -> Iterator[Run]:
        """Yield an experiment's runs, newest start first, as they are read; no history is touched.

        Args:
            experiment_id: of a known experiment, deleted or not.
            view: active, deleted or all.
            older_than: go on after this run, the last of the page before.
            limit: at the most so many.

        Raises:
            NotFoundError: there is no such experiment.
        """
        experiment = self.experiment(experiment_id)
        before = keys.run_sort(older_than.started, older_than.id) if older_than else None
        left = limit
        for item in self._table.query(
            keys.runs_partition(experiment_id), prefix=keys.RUNS, before=before, reverse=True
        ):
            if left == 0:
                return
            if in_view(deleted_with(head_of(item), experiment), view):
                left = None if left is None else left - 1
                yield self._records.whole(item, experiment).run

    def finish_run(self, run_id: str, status: RunStatus = "FINISHED") -> None:
        """End a run now: FINISHED, FAILED or KILLED. The same end again changes nothing.

        Raises:
            NotFoundError: there is no such run.
            DeletedError: it is deleted.
            InvalidInputError: the status is not an end.
        """
        if status not in ENDED:
            raise InvalidInputError(f"run {run_id} cannot end as {status}: use {', '.join(sorted(ENDED))}")
        self.update_run(run_id, status=status)

    def update_run(
        self, run_id: str, *, status: RunStatus | None = None, name: str | None = None, ended: float | None = None
    ) -> None:
        """Change a run's status or name; a run that has ended may run again, and then has no end.

        An end gets the moment `ended`, or now unless it has that status already.

        Raises:
            NotFoundError: there is no such run.
            DeletedError: it is deleted.
        """

        def edit(record: Record) -> None:
            if name is not None:
                record.rename(name)
            if status in ENDED:
                same = record.head.status == status and record.head.ended is not None
                moment = ended if ended is not None else record.head.ended if same else self._clock()
                record.head = replace(record.head, status=status, ended=moment)
            elif status is not None:
                record.head = replace(record.head, status=status, ended=None)

        self._edit(run_id, edit)

    def amend_run(
        self, run_id: str, *, status: RunStatus | None = None, name: str = "", ended: float | None = None
    ) -> Run:
        """Change what is given of a run and nothing else, as MLflow's clients do, and return the run.

        Raises:
            NotFoundError: there is no such run.
            DeletedError: it is deleted.
        """

        def edit(record: Record) -> None:
            head = record.head
            moment = head.ended if ended is None else ended
            record.head = replace(head, status=status or head.status, ended=moment)
            if name:
                record.rename(name)

        return self._edit(run_id, edit).run

    def delete_run(self, run_id: str) -> None:
        """Delete a run softly, at this moment; again changes nothing. Or raise `NotFoundError`."""

        def edit(record: Record) -> None:
            if record.deleted is None:
                record.delete(self._clock())

        self._edit(run_id, edit, living=False)

    def restore_run(self, run_id: str) -> None:
        """Undo the deletion of a run, also of one that was deleted with its experiment; or raise `NotFoundError`."""

        def edit(record: Record) -> None:
            if record.deleted is not None:
                record.delete(None)

        self._edit(run_id, edit, living=False)

    def _edit(self, run_id: str, edit: Callable[[Record], None], *, living: bool = True) -> Record:
        """Change a run, in one transaction, and return it as it is then."""

        def prepare() -> tuple[Sequence[Write], Record]:
            record = self._records.read(run_id)
            if living:
                record.living()
            edit(record)
            return record.writes(chunks(run_id, record.points, number=record.head.chunks)), record

        return commit(self._table, prepare, what=f"run {run_id}")

    def _existing(self, experiment_id: str, run_id: str) -> Run:
        run = self.run(run_id)
        if run.experiment_id != experiment_id:
            raise ConflictError(f"run {run_id} belongs to experiment {run.experiment_id}: choose another identity")
        return run


def _begun(head: Head, experiment: Experiment, tags: Mapping[str, str]) -> Record:
    """Return a run that is about to be written first."""
    record = Record(head, Entries.fresh(), experiment, 0)
    for key, value in tags.items():
        record.entries.set_tag(key, value)
    record.rename(head.name)
    return record
