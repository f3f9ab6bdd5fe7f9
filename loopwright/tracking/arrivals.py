"""Experiments and logged models that come from another tracking server, with the identities and moments they have."""

from dataclasses import replace
from typing import Final

from loopwright.clock import Clock, NewId
from loopwright.errors import ConflictError, NotFoundError
from loopwright.optimistic import commit
from loopwright.ports.table import ABSENT, Put, Table, Write
from loopwright.tracking import keys
from loopwright.tracking.experiments import Experiments, content
from loopwright.tracking.limits import check_experiment_tags, checked_experiment_id, checked_experiment_name
from loopwright.tracking.logged_model import LoggedModel, ModelHead, ModelRecord
from loopwright.tracking.values import Experiment

_ATTEMPTS: Final = 10


class Arrivals:
    """Keeps what comes. The same again changes nothing."""

    def __init__(self, table: Table, *, clock: Clock, new_id: NewId) -> None:
        self._table = table
        self._new_id = new_id
        self._experiments = Experiments(table, clock=clock, new_id=new_id)

    def experiment(self, one: Experiment) -> Experiment:
        """Keep an experiment and return it as it is here: the one that has its name, else a living one.

        It keeps its identity unless another one has it here; then it gets one of its own.

        Raises:
            InvalidInputError: the name, the identity or a tag is not one that MLflow takes.
            ConflictError: others take every identity that is tried.
        """
        checked_experiment_name(one.name)
        check_experiment_tags(one.tags)
        identity = checked_experiment_id(one.id)
        for _ in range(_ATTEMPTS):
            try:
                return self._experiments.experiment_by_name(one.name)
            except NotFoundError:
                made = replace(one, id=identity, deleted=None, turns=0)
            try:
                self._table.transact(
                    [
                        Put(keys.name_key(made.name), {"id": made.id}, expect=ABSENT),
                        Put(keys.experiment_key(made.id), content(made), expect=ABSENT),
                    ]
                )
            except ConflictError:
                identity = self._new_id()
                continue
            return made
        raise ConflictError(f"experiment {one.name!r} cannot be kept: others take what it wants again and again")

    def logged_model(self, one: LoggedModel) -> None:
        """Keep a logged model as it is told; what is known of it here and was not told stays.

        Raises:
            InvalidInputError: its params, tags and points are too much.
        """
        home = keys.logged_model_key(one.experiment_id, one.created, one.id)
        pointer = {"partition": home.partition, "sort": home.sort}

        def prepare() -> tuple[list[Write], None]:
            item = self._table.get(home)
            record = ModelRecord.of(item) if item else ModelRecord(_head(one))
            head = record.head
            record.head = replace(head, status=one.status, updated=one.updated, deleted=one.deleted)
            record.params.update(one.params)
            record.tags.update(one.tags)
            record.add(one.metrics)
            writes = record.writes()
            return writes if item else [*writes, Put(keys.model_home_key(one.id), pointer, expect=ABSENT)], None

        commit(self._table, prepare, what=f"model {one.id}")


def _head(one: LoggedModel) -> ModelHead:
    return ModelHead(
        one.id,
        one.experiment_id,
        one.name,
        one.location,
        created=one.created,
        updated=one.updated,
        model_type=one.model_type,
        source_run_id=one.source_run_id,
        status=one.status,
    )
