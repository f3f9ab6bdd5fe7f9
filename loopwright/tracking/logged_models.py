"""Logged models: what a notebook's `log_model` makes, before and besides the registry."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from loopwright.clock import Clock, NewId
from loopwright.errors import InvalidInputError, NotFoundError, UnavailableError
from loopwright.optimistic import ATTEMPTS, commit
from loopwright.ports.table import ABSENT, Item, Key, Put, Table, Write
from loopwright.tracking import keys
from loopwright.tracking.experiments import Experiments, living_experiment
from loopwright.tracking.locations import model_location
from loopwright.tracking.logged_model import (
    LoggedModel,
    ModelHead,
    ModelMetric,
    ModelRecord,
    ModelStatus,
    points_of,
)
from loopwright.tracking.names import name_of

NAME_LENGTH: Final = 500
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
_BAD: Final = "/:.%\"'"


class LoggedModels:
    """Creates, changes, deletes and lists logged models.

    A deleted model is not found by `model` and listings, but as in MLflow it can still be changed by whoever knows it.
    """

    def __init__(self, table: Table, *, clock: Clock, new_id: NewId) -> None:
        self._table = table
        self._clock = clock
        self._new_id = new_id
        self._experiments = Experiments(table, clock=clock, new_id=new_id)

    def create(
        self,
        experiment_id: str,
        *,
        name: str = "",
        model_type: str = "",
        source_run_id: str = "",
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> LoggedModel:
        """Make a model whose files are still to come; without a name it gets one.

        Raises:
            NotFoundError: there is no such experiment.
            ConflictError: it is deleted.
            InvalidInputError: the name is too long or has one of `/:.%"'`, or params and tags are too much.
        """
        if name:
            _check_name(name)
        experiment = living_experiment(self._experiments.experiment(experiment_id))
        # Only so does a search find those of one moment in the order that it tells.
        now = round(self._clock() * 1e3) / 1e3
        model_id = f"m-{self._new_id().replace('-', '')}"
        record = ModelRecord(
            ModelHead(
                model_id,
                experiment_id,
                name or name_of(model_id),
                model_location(experiment, model_id),
                created=now,
                updated=now,
                model_type=model_type,
                source_run_id=source_run_id,
            )
        )
        record.params.update(params or {})
        record.tags.update(tags or {})
        home = keys.logged_model_key(experiment_id, now, model_id)
        pointer = {"partition": home.partition, "sort": home.sort}
        self._table.transact([*record.writes(), Put(keys.model_home_key(model_id), pointer, expect=ABSENT)])
        return record.model()

    def model(self, model_id: str, *, deleted: bool = False) -> LoggedModel:
        """Return a model, also one that is deleted if `deleted`; or raise `NotFoundError`."""
        found = self._whole(self._head(model_id))
        if found.deleted is not None and not deleted:
            raise _no_model(model_id)
        return found

    def finalize(self, model_id: str, status: ModelStatus) -> LoggedModel:
        """Say what became of the model's files, and return the model; or raise `NotFoundError`."""

        def edit(record: ModelRecord) -> None:
            record.head = replace(record.head, status=status, updated=self._clock())

        self._change(model_id, edit)
        return self.model(model_id, deleted=True)

    def delete(self, model_id: str) -> None:
        """Delete a model softly; its files stay. Or raise `NotFoundError`."""

        def edit(record: ModelRecord) -> None:
            now = self._clock()
            record.head = replace(record.head, deleted=now, updated=now)

        self._change(model_id, edit)

    def set_tags(self, model_id: str, tags: Mapping[str, str]) -> None:
        """Set tags, whatever they were; or raise `NotFoundError`, or `InvalidInputError` if it is too much."""
        self._change(model_id, lambda record: record.tags.update(tags))

    def edit_tag(self, model_id: str, key: str, edit: Callable[[str | None], str]) -> None:
        """Set a tag to what follows from what it was (None: it was not there), so that of several nobody is lost.

        Raises:
            NotFoundError: there is no such model.
            InvalidInputError: it is too much.
        """

        def change(record: ModelRecord) -> None:
            record.tags[key] = edit(record.tags.get(key))

        self._change(model_id, change)

    def remove_tag(self, model_id: str, key: str) -> None:
        """Remove a tag, or raise `NotFoundError` if model or tag is not there."""

        def edit(record: ModelRecord) -> None:
            if record.tags.pop(key, None) is None:
                raise NotFoundError(f"model {model_id} has no tag {key!r}")

        self._change(model_id, edit)

    def log_params(self, model_id: str, params: Mapping[str, str]) -> None:
        """Set params; one that is there with the same value is fine.

        Raises:
            NotFoundError: there is no such model.
            InvalidInputError: one is there with another value, or it is too much.
        """

        def edit(record: ModelRecord) -> None:
            for key, value in params.items():
                before = record.params.setdefault(key, value)
                if before != value:
                    raise InvalidInputError(
                        f"model {model_id}: param {key!r} is {before!r} and cannot become {value!r}: log another model"
                    )

        self._change(model_id, edit)

    def log_metrics(self, metrics: Mapping[str, Sequence[ModelMetric]]) -> None:
        """Add points to models, by their identities. The same points again change nothing, so a retry is safe.

        Raises:
            NotFoundError: there is no such model.
            InvalidInputError: another point is there at the same moment and step. Models before have their points.
        """
        for model_id, points in metrics.items():
            self._change(model_id, partial(ModelRecord.add, points=points))

    def models(self, experiment_id: str, *, after: tuple[float, str] | None = None) -> Iterator[LoggedModel]:
        """Yield an experiment's living models, newest first, those of one millisecond by identity.

        With `after`, the moment of creation and the identity of a model, those behind it only.
        """
        sort = None if after is None else keys.logged_model_sort(*after)
        partition = keys.runs_partition(experiment_id)
        for item in self._table.query(partition, prefix=keys.LOGGED_MODELS, after=sort):
            found = self._whole(item)
            if found.deleted is None:
                yield found

    def home(self, model_id: str) -> str:
        """Return the experiment to which a model belongs, which never changes; or raise `NotFoundError`."""
        return self._home(model_id).partition.partition("/")[2]

    def _home(self, model_id: str) -> Key:
        pointer = self._table.get(keys.model_home_key(model_id)) if _ID.fullmatch(model_id) else None
        if pointer is None:
            raise _no_model(model_id)
        return Key(str(pointer.value["partition"]), str(pointer.value["sort"]))

    def _head(self, model_id: str) -> Item:
        item = self._table.get(self._home(model_id))
        if item is None:
            raise _no_model(model_id)
        return item

    def _whole(self, item: Item) -> LoggedModel:
        """Return the model whose head this is, with the points that were put away, all of one moment."""
        for _ in range(ATTEMPTS):
            record = ModelRecord.of(item)
            numbers = range(1, record.head.parts + 1)
            parts = self._table.get_many([keys.model_part_key(record.head.id, number) for number in numbers])
            if all(parts):
                return record.model([point for part in parts if part for point in points_of(part)])
            # Where reads are not isolated a part may come after its head.
            item = self._head(record.head.id)
        raise UnavailableError(f"model {item.key.sort} cannot be read whole: try again")

    def _change(self, model_id: str, edit: Callable[[ModelRecord], None]) -> None:
        home = self._home(model_id)

        def prepare() -> tuple[Sequence[Write], None]:
            item = self._table.get(home)
            if item is None:
                raise _no_model(model_id)
            record = ModelRecord.of(item)
            edit(record)
            return record.writes(), None

        commit(self._table, prepare, what=f"model {model_id}")


def _check_name(name: str) -> None:
    if len(name) > NAME_LENGTH or any(one in name for one in _BAD):
        raise InvalidInputError(
            f"Invalid model name ({name[:50]!r}): it has at most {NAME_LENGTH} characters and none of {' '.join(_BAD)}"
        )


def _no_model(model_id: str) -> NotFoundError:
    return NotFoundError(f"Logged model with ID {model_id[:50]!r} not found: search those of an experiment")
