"""Logged models found: filtered, in an order, a page at a time."""

import heapq
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from loopwright.errors import InvalidInputError
from loopwright.tracking.logged_model import LoggedModel, ModelMetric
from loopwright.tracking.logged_models import LoggedModels

DEFAULT_RESULTS: Final = 100

_STATUSES: Final = ("UNSPECIFIED", "PENDING", "READY", "FAILED")
"""In the order of MLflow's numbers for them."""

_FIELDS: Final[Mapping[str, Callable[[LoggedModel], str | float]]] = {
    "model_id": lambda one: one.id,
    "experiment_id": lambda one: one.experiment_id,
    "name": lambda one: one.name,
    "artifact_location": lambda one: one.location,
    "creation_timestamp_ms": lambda one: one.created,
    "last_updated_timestamp_ms": lambda one: one.updated,
    "status": lambda one: _STATUSES.index(one.status),
    "model_type": lambda one: one.model_type,
    "source_run_id": lambda one: one.source_run_id,
}

_ALIASES: Final = {
    "creation_time": "creation_timestamp_ms",
    "creation_timestamp": "creation_timestamp_ms",
    "last_updated_timestamp": "last_updated_timestamp_ms",
}

_METRICS: Final = "metrics."


@dataclass(frozen=True, slots=True)
class DatasetFilter:
    """Points that were measured on this data set; with an empty digest, on whichever state of it."""

    name: str
    digest: str = ""

    def takes(self, point: ModelMetric) -> bool:
        """Say whether the point is one of them."""
        return point.dataset_name == self.name and (not self.digest or point.dataset_digest == self.digest)


@dataclass(frozen=True, slots=True)
class ModelOrder:
    """By what models are ordered: a field, or `metrics.<key>` by its latest point, perhaps on one data set."""

    field: str
    ascending: bool = True
    dataset: DatasetFilter | None = None

    @property
    def by(self) -> Callable[[LoggedModel], str | float | None]:
        """Return what gives a model's place; None comes last, whichever way the order goes.

        Raises:
            InvalidInputError: there is no such field.
        """
        if self.field.startswith(_METRICS):
            return self._latest
        if "." in self.field:
            raise InvalidInputError(f"Invalid order by field name: {self.field}. Only metrics are supported.")
        field = _FIELDS.get(_ALIASES.get(self.field, self.field))
        if field is None:
            raise InvalidInputError(f"Invalid order by field name: {self.field}: use one of {', '.join(_FIELDS)}")
        return field

    def _latest(self, model: LoggedModel) -> float | None:
        key = self.field.removeprefix(_METRICS)
        points = [one for one in model.metrics if one.key == key and (not self.dataset or self.dataset.takes(one))]
        if not points:
            return None
        newest = max((one.timestamp, one.step) for one in points)
        latest = min((one for one in points if (one.timestamp, one.step) == newest), key=lambda one: one.run_id)
        return 0.0 if math.isnan(latest.value) else latest.value


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelQuestion:
    """What is searched for.

    Attributes:
        experiments: in which, by their identities; one that is not there has no models.
        accepts: which models.
        datasets: models that have points on one of these; none: whatever they were measured on.
        order: by what; then the newest first, then by identity.
    """

    experiments: Sequence[str]
    accepts: Callable[[LoggedModel], bool] = lambda _: True
    datasets: Sequence[DatasetFilter] = ()
    order: Sequence[ModelOrder] = ()


@dataclass(frozen=True, slots=True)
class ModelPage:
    """Models, and whether there are more behind them."""

    models: Sequence[LoggedModel]
    more: bool


@dataclass(frozen=True, slots=True)
class ModelCursor:
    """A place in the list of models, newest first: a model's moment of creation and its identity."""

    created: float
    id: str


def search(
    models: LoggedModels, asked: ModelQuestion, *, limit: int, after: ModelCursor | None = None, skip: int = 0
) -> ModelPage:
    """Return a page of models.

    In the order that they are stored in, the newest first, no more is read than the page needs, and pages go on
    `after` the last model; in every other order all models are read, and the first `skip` of them are left out.

    Raises:
        InvalidInputError: an order is by what is no field.
    """
    if asked.order:
        found = iter(_ordered(list(_accepted(models, asked, None)), asked.order)[skip:])
    else:
        found = _accepted(models, asked, after)
    page = list(islice(found, limit + 1))
    return ModelPage(page[:limit], len(page) > limit)


def _accepted(models: LoggedModels, asked: ModelQuestion, after: ModelCursor | None) -> Iterator[LoggedModel]:
    """Yield the models that are searched for, newest first."""
    place = (after.created, after.id) if after else None
    # A cursor is a place in every experiment: it is of a moment, not of one of them.
    listed = [models.models(each, after=place) for each in dict.fromkeys(asked.experiments)]
    for one in heapq.merge(*listed, key=lambda each: (-each.created, each.id)):
        if asked.accepts(one) and _measured(one, asked.datasets):
            yield one


def _measured(model: LoggedModel, datasets: Sequence[DatasetFilter]) -> bool:
    return not datasets or any(each.takes(point) for each in datasets for point in model.metrics)


def _ordered(found: Iterable[LoggedModel], order: Sequence[ModelOrder]) -> list[LoggedModel]:
    """Return models, which come newest first, by what is asked for first, then by what is asked for next."""
    sorted_ = list(found)
    for one in reversed(order):
        by = one.by
        known = [(by(each), each) for each in sorted_]
        there = sorted((pair for pair in known if pair[0] is not None), key=_place, reverse=not one.ascending)
        sorted_ = [each for _, each in there] + [each for value, each in known if value is None]
    return sorted_


def _place(pair: tuple[str | float | None, LoggedModel]) -> tuple[bool, str | float]:
    return isinstance(pair[0], str), pair[0] if pair[0] is not None else 0.0
