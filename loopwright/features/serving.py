"""What the model sees in a request: its own columns, the online features of its entities, the transformations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array, Columns, empty, length
from loopwright.definitions.features import FeatureView
from loopwright.definitions.model import Model
from loopwright.features import transformations
from loopwright.features.online import OnlineStore

_HALF_A_MICROSECOND: Final = 5e-7
"""Moments are exact to the microsecond, as in the lake; seconds as floats are so after rounding only."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """A request's rows, complete.

    Attributes:
        columns: request fields, features of views, `event_time`, outputs of transformations.
        ages: by view, how many seconds before now the row that was found tells of; NaN where nothing was found.
        statuses: by view, PRESENT, NOT_FOUND or OUTSIDE_MAX_AGE; features are null unless PRESENT.
    """

    columns: Columns
    ages: Mapping[str, NDArray[np.float64]]
    statuses: Mapping[str, NDArray[np.str_]]


def assemble(model: Model, rows: Columns, store: OnlineStore, now: float) -> Assembled:
    """Return the rows with everything that the model sees at this moment, as training would see it at this moment.

    A view's features are null where the store has no row of the entity, or one at least as old as the view's TTL.

    Raises:
        DefinitionError, InvalidInputError: a transformation does not keep its word (`transformations.apply`).
    """
    columns: dict[str, Array] = dict(rows)
    ages: dict[str, NDArray[np.float64]] = {}
    statuses: dict[str, NDArray[np.str_]] = {}
    for view in model.views:
        found = store.read(view, rows)
        ages[view.name] = age = now - found.event_times
        stale = _stale(view, age)
        if stale.any():
            columns.update({name: _without(column, stale) for name, column in found.columns.items()})
            statuses[view.name] = np.where(stale, "OUTSIDE_MAX_AGE", found.statuses)
        else:
            columns.update(found.columns)
            statuses[view.name] = found.statuses
    columns["event_time"] = np.full(length(rows), np.datetime64(round(now * 1e6), "us"))
    return Assembled(transformations.apply(model, columns), ages, statuses)


def _stale(view: FeatureView, ages: NDArray[np.float64]) -> NDArray[np.bool_]:
    if view.ttl is None:
        return np.zeros(len(ages), dtype=np.bool_)
    return ages > view.ttl.total_seconds() - _HALF_A_MICROSECOND


def _without(column: Array, rows: NDArray[np.bool_]) -> Array:
    kept = column.copy()
    kept[rows] = empty("string" if column.dtype == object else "time" if column.dtype.kind == "M" else "float", 1)[0]
    return kept
