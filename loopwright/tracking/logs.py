"""What runs log: metrics, params, tags, and what they read and made."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from loopwright.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from loopwright.tracking.datasets import keep_datasets, new_of, uses, with_details
from loopwright.tracking.histories import history
from loopwright.tracking.limits import LIST_LENGTH, check_batch, check_inputs, check_models
from loopwright.tracking.record import Record
from loopwright.tracking.runs import Runs
from loopwright.tracking.values import RUN_NAME_TAG, DatasetInput, DatasetUse, Metric, Run

Setting = str | int | float | bool
"""A param as it is logged; it is kept as text."""


class Logs(Runs):
    """Logs to runs, and reads back what the runs themselves do not tell. Ended runs can be logged to, as in MLflow."""

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
            DeletedError: it is deleted.
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
                if key != RUN_NAME_TAG:
                    entries.set_tag(key, value)
                elif value:
                    record.rename(value)
            record.points = points

        self._edit(run_id, edit)

    def log_inputs(self, run_id: str, datasets: Iterable[DatasetInput], *, models: Iterable[str] = ()) -> None:
        """Add data sets and logged models that the run reads; of data sets of one name and digest the first stays.

        Raises:
            NotFoundError: there is no such run.
            DeletedError: it is deleted.
            InvalidInputError: a text is too long.
        """
        read, named = tuple(datasets), tuple(models)
        check_inputs(read)
        check_models(named)
        if read:
            record = self._records.read(run_id).living()
            read = keep_datasets(self._table, record.head.experiment_id, new_of(read, record.entries.inputs))

        def edit(record: Record) -> None:
            for dataset in read:
                record.entries.add_input(dataset)
            for model_id in named:
                record.entries.add_model("models_read", model_id)

        self._edit(run_id, edit)

    def log_outputs(self, run_id: str, models: Mapping[str, int]) -> None:
        """Add logged models that the run made, each with the step at which; the same again is fine.

        Raises:
            NotFoundError: there is no such run.
            DeletedError: it is deleted.
            AlreadyExistsError: a model is there with another step.
            InvalidInputError: no identity of a model.
        """
        check_models(models)

        def edit(record: Record) -> None:
            for model_id, step in models.items():
                before = record.entries.add_model("models_made", model_id, step)
                if before is not None:
                    raise AlreadyExistsError(f"run {run_id} made model {model_id} at step {before}, not {step}")

        self._edit(run_id, edit)

    def detailed(self, runs: Sequence[Run]) -> list[Run]:
        """Return the runs with the schemas and profiles of the data sets that they read."""
        return with_details(self._table, runs)

    def dataset_uses(self, experiment_id: str, *, limit: int) -> list[DatasetUse]:
        """Return which data sets runs of an experiment read, and for what; an unknown experiment has none."""
        return uses(self._table, experiment_id, limit=limit)

    def append_to_tag(self, run_id: str, key: str, told: Mapping[str, object]) -> None:
        """Append an object to the JSON array that a tag is; such a tag may be long.

        Raises:
            NotFoundError: there is no such run.
            DeletedError: it is deleted.
            InvalidInputError: the tag is no JSON array, or would be longer than 500,000 characters.
        """

        def edit(record: Record) -> None:
            before = record.entries.tags.get(key, "[]")
            try:
                listed = msgspec.json.decode(before, type=list[object])
            except msgspec.MsgspecError as error:
                raise InvalidInputError(f"run {run_id}: tag {key!r} is no JSON array: remove it first") from error
            text = msgspec.json.encode([*listed, told]).decode()
            if len(text) > LIST_LENGTH:
                raise InvalidInputError(f"run {run_id}: tag {key!r} would have more than {LIST_LENGTH:,} characters")
            record.entries.set_tag(key, text)

        self._edit(run_id, edit)

    def remove_tag(self, run_id: str, key: str) -> None:
        """Remove a tag, or raise `NotFoundError` if run or tag is not there, `DeletedError` if the run is deleted."""

        def edit(record: Record) -> None:
            if not record.entries.remove_tag(key):
                raise NotFoundError(f"run {run_id} has no tag {key!r}")

        self._edit(run_id, edit)

    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        """Return all points of a metric by timestamp, step and value, each once; none for a metric never logged.

        Raises:
            NotFoundError: there is no such run.
        """
        self._records.home(run_id)
        return history(self._table, run_id, key)
