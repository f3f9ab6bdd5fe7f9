"""Runs: what one training did, logged while it happens."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from loopwright.clock import Clock, NewId
from loopwright.errors import ConflictError, InvalidInputError, NotFoundError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Put, Table, Write
from loopwright.tracking import keys
from loopwright.tracking.entries import Entries
from loopwright.tracking.experiments import Experiments, in_view, living_experiment
from loopwright.tracking.histories import chunks, history
from loopwright.tracking.limits import check_batch, check_inputs, checked_run_id, checked_start
from loopwright.tracking.record import Head, Record, head_of
from loopwright.tracking.records import Records
from loopwright.tracking.values import (
    ENDED,
    RUN_NAME_TAG,
    DatasetInput,
    Metric,
    Run,
    RunCursor,
    RunStatus,
    View,
)

Setting = str | int | float | bool
"""A param as it is logged; it is kept as text."""


class Runs(Experiments):
    """Creates, logs, finds, deletes and restores runs. Runs that have ended can still be logged to, as in MLflow."""

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
    ) -> Run:
        """Start a run; with a `run_id` that exists in the experiment, return that run as it is.

        Raises:
            NotFoundError: there is no such experiment.
            ConflictError: the experiment is deleted, or the run exists in another experiment.
            InvalidInputError: an identity, start or tag that MLflow does not take.
        """
        identity = checked_run_id(run_id) if run_id is not None else self._new_id()
        check_batch((), {}, tags or {})
        start = checked_start(self._clock() if started is None else started)

        def prepare() -> tuple[Sequence[Write], Run]:
            if self._table.get(keys.home_key(identity)) is not None:
                return (), self._existing(experiment_id, identity)
            experiment = living_experiment(self.experiment(experiment_id))
            record = Record(Head(identity, experiment_id, name, "RUNNING", start), Entries.fresh(), experiment, 0)
            for key, value in (tags or {}).items():
                record.entries.set_tag(key, value)
            record.rename(name)
            home = record.head.key
            pointer = {"partition": home.partition, "sort": home.sort}
            return [*record.writes(()), Put(keys.home_key(identity), pointer, expect=ABSENT)], record.run

        return commit(self._table, prepare, what=f"run {identity}")

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
            deleted = head_of(item).deleted if experiment.deleted is None else experiment.deleted
            if in_view(deleted, view):
                left = None if left is None else left - 1
                yield self._records.whole(item, experiment).run

    def log_batch(
        self,
        run_id: str,
        *,
        metrics: Sequence[Metric] = (),
        params: Mapping[str, Setting] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Log metrics, params and tags in one write, all or nothing; writers to one run lose nothing of each other.

        A param that is there with the same value is fine. Tags are overwritten; the tag `mlflow.runName` renames.

        Raises:
            NotFoundError: there is no such run.
            ConflictError: it is deleted.
            InvalidInputError: a param is there with another value, or something is not what MLflow takes.
        """
        texts = {key: str(value) for key, value in (params or {}).items()}
        labels = dict(tags or {})
        check_batch(metrics, texts, labels)
        # numpy's numbers may come in; Python's are stored.
        points = [Metric(one.key, float(one.value), float(one.timestamp), int(one.step)) for one in metrics]

        def edit(record: Record) -> None:
            entries = record.entries
            for point in points:
                entries.log_metric(point)
            record.set_params(texts)
            for key, value in labels.items():
                entries.set_tag(key, value)
            if RUN_NAME_TAG in labels:
                record.rename(labels[RUN_NAME_TAG])
            record.points = points

        self._edit(run_id, edit)

    def log_inputs(self, run_id: str, datasets: Iterable[DatasetInput]) -> None:
        """Add data sets that the run reads; one that is there already is there once.

        Raises:
            NotFoundError: there is no such run.
            ConflictError: it is deleted.
            InvalidInputError: a text is too long.
        """
        read = tuple(datasets)
        check_inputs(read)

        def edit(record: Record) -> None:
            for dataset in read:
                record.entries.add_input(dataset)

        self._edit(run_id, edit)

    def remove_tag(self, run_id: str, key: str) -> None:
        """Remove a tag, or raise `NotFoundError` if run or tag is not there, `ConflictError` if the run is deleted."""

        def edit(record: Record) -> None:
            if not record.entries.remove_tag(key):
                raise NotFoundError(f"run {run_id} has no tag {key!r}")

        self._edit(run_id, edit)

    def finish_run(self, run_id: str, status: RunStatus = "FINISHED") -> None:
        """End a run now: FINISHED, FAILED or KILLED. The same end again changes nothing.

        Raises:
            NotFoundError: there is no such run.
            ConflictError: it is deleted.
            InvalidInputError: the status is not an end.
        """
        if status not in ENDED:
            raise InvalidInputError(f"run {run_id} cannot end as {status}: use {', '.join(sorted(ENDED))}")
        self.update_run(run_id, status=status)

    def update_run(
        self, run_id: str, *, status: RunStatus | None = None, name: str | None = None, ended: float | None = None
    ) -> None:
        """Change a run's status or name; as in MLflow a run that has ended may run again, and then has no end.

        An end gets the moment `ended`, or now unless it has that status already.

        Raises:
            NotFoundError: there is no such run.
            ConflictError: it is deleted.
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

    def delete_run(self, run_id: str) -> None:
        """Delete a run softly, at this moment; again changes nothing. Or raise `NotFoundError`."""

        def edit(record: Record) -> None:
            if record.head.deleted is None:
                record.head = replace(record.head, deleted=self._clock())

        self._edit(run_id, edit, living=False)

    def restore_run(self, run_id: str) -> None:
        """Undo the deletion of a run, or raise `NotFoundError`; with its experiment deleted, it stays away."""

        def edit(record: Record) -> None:
            record.head = replace(record.head, deleted=None)

        self._edit(run_id, edit, living=False)

    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return all points of a metric by step, timestamp and value, each once; none for a metric never logged.

        Raises:
            NotFoundError: there is no such run.
        """
        self._records.home(run_id)
        return history(self._table, run_id, key)

    def _edit(self, run_id: str, edit: Callable[[Record], None], *, living: bool = True) -> None:
        def prepare() -> tuple[Sequence[Write], None]:
            record = self._records.read(run_id)
            if living:
                record.living()
            edit(record)
            return record.writes(chunks(run_id, record.points, number=record.head.chunks)), None

        commit(self._table, prepare, what=f"run {run_id}")

    def _existing(self, experiment_id: str, run_id: str) -> Run:
        run = self.run(run_id)
        if run.experiment_id != experiment_id:
            raise ConflictError(f"run {run_id} belongs to experiment {run.experiment_id}: choose another identity")
        return run
