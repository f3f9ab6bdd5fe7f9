"""Training columns: for every observation the features as they were known at its own moment (point in time).

A row of a view is visible at a moment if its known time (its event time, where the view has no known time) is not
after it. Of the visible rows of an entity the one with the greatest event time counts, of equal ones that with the
greatest known time; it counts as nothing once it is a TTL old. `serving.assemble` follows the same rules.

The join is DuckDB's ASOF join. Where rows become known late, those that were out of date when they became known are
dropped first: what is left has rising event times by known time, so the last one known is the newest one known.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array, Columns, DType, empty, length
from loopwright.definitions.features import FeatureView
from loopwright.definitions.model import Model
from loopwright.errors import InvalidInputError
from loopwright.features import transformations
from loopwright.features.engine import engine, fetch, quoted, reader, selected, to_columns
from loopwright.features.sources import check_source, source_columns
from loopwright.ports.lake import ArrowStream, Between, Lake, Selection


def training_columns(
    lake: Lake, model: Model, observations: Columns | ArrowStream, *, versions: Mapping[str, int] | None = None
) -> dict[str, Array]:
    """Return the observations' columns, `event_time`, the views' features and the transformations' outputs.

    Rows keep their order when observations are columns. A view's source is read at its version in `versions` (by
    table), else at its newest.

    Raises:
        InvalidInputError: the observations lack a key or the event time, or a source does not fit its view.
        NotFoundError: a source is not there, or its version has expired.
        DefinitionError: a transformation does not keep its word.
    """
    given = observations if isinstance(observations, Mapping) else to_columns(observations)
    columns = dict(given)
    _check_observations(model, columns)
    columns["event_time"] = columns[model.event_time]
    for view in model.views:
        check_source(lake, view, version=(versions or {}).get(view.source))
        columns |= features_at(lake, view, columns, version=(versions or {}).get(view.source))
    return transformations.apply(model, columns)


def features_at(lake: Lake, view: FeatureView, columns: Columns, *, version: int | None = None) -> dict[str, Array]:
    """Return the view's features for rows with the entity's keys and `event_time`; null where nothing is visible."""
    features = {field.name: empty(field.dtype, length(columns)) for field in view.features}
    schema: dict[str, DType] = {"__row": "int", **{field.name: field.dtype for field in view.features}}
    asked = _asked(view, columns)
    moments = asked["__moment"].astype(np.int64, copy=False)
    if not len(moments):
        return features
    stream = lake.read(view.source, _selection(view, moments), version=version)
    with engine() as connection:
        connection.register("source", reader(stream))
        connection.register("asked", asked)
        found = fetch(connection, _query(view), schema)
    places = found.pop("__row").astype(np.intp)
    for name, column in found.items():
        features[name][places] = column
    return features


def _check_observations(model: Model, columns: Columns) -> None:
    wanted = [model.event_time, *(name for view in model.views for name in view.entity.key_names)]
    if missing := [name for name in dict.fromkeys(wanted) if name not in columns]:
        raise InvalidInputError(
            f"model {model.name!r}: the observations have no column {missing[0]!r}; they have {', '.join(columns)}",
            tuple(f"column {name!r} is missing" for name in missing),
        )
    if columns[model.event_time].dtype.kind != "M":
        got = columns[model.event_time].dtype
        raise InvalidInputError(f"model {model.name!r}: {model.event_time!r} wanted a time column, got {got}")


def _asked(view: FeatureView, columns: Columns) -> dict[str, Array | NDArray[np.int64]]:
    """Return the rows that can have features at all: their numbers, moments in microseconds, and keys.

    No name of a definition has two underscores in a row, so these names are free.
    """
    at = columns["event_time"].astype("datetime64[us]")
    known = ~np.isnat(at)
    for key in view.entity.keys:
        column = columns[key.name]
        known &= column != "" if key.dtype == "string" else ~np.isnan(column.astype(np.float64))
    rows = np.flatnonzero(known)
    keys = {
        f"__key{place}": columns[key.name][rows].astype(object if key.dtype == "string" else np.int64)
        for place, key in enumerate(view.entity.keys)
    }
    return {"__row": rows, "__moment": at[rows].view(np.int64), **keys}


def _selection(view: FeatureView, moments: NDArray[np.int64]) -> Selection:
    """Select what could count at one of the moments, in microseconds, and nothing else."""
    first, last = int(moments.min()) / 1e6, int(moments.max()) / 1e6
    where = [Between(view.known_time or view.event_time, high=last + 1)]
    if view.ttl is not None:
        where.append(Between(view.event_time, low=first - view.ttl.total_seconds() - 1))
    return Selection(columns=tuple(source_columns(view)), where=tuple(where))


def _query(view: FeatureView) -> str:
    keys = [f"__key{place}" for place in range(len(view.entity.keys))]
    same = " AND ".join(f"asked.{key} = visible.{key}" for key in keys)
    young = (
        "" if view.ttl is None else f"WHERE visible.__event > asked.__moment - {round(view.ttl.total_seconds() * 1e6)}"
    )
    features = ", ".join(selected(f"visible.{quoted(field.name)}", field.name, field.dtype) for field in view.features)
    return f"""
        WITH visible AS ({_visible(view, keys)})
        SELECT asked.__row, {features}
        FROM asked ASOF JOIN visible ON {same} AND asked.__moment >= visible.__known
        {young}
    """  # noqa: S608 - names are checked when they are defined


def _visible(view: FeatureView, keys: list[str]) -> str:
    """Return the SQL of the rows that count at some moment, with `__event` and `__known` in microseconds."""
    names = zip(keys, view.entity.key_names, strict=True)
    columns = [f"{quoted(name)} AS {key}" for key, name in names]
    columns += [f"epoch_us({quoted(view.event_time)}) AS __event"]
    columns += [f"epoch_us({quoted(view.known_time or view.event_time)}) AS __known"]
    columns += [quoted(name) for name in view.feature_names]
    rows = f"SELECT {', '.join(columns)} FROM source WHERE __event IS NOT NULL AND __known IS NOT NULL"  # noqa: S608
    if view.known_time is None:
        return rows
    return f"""
        SELECT * EXCLUDE (__newest, __next) FROM (
            SELECT *, max(__event) OVER arrival AS __newest, lead(__known) OVER arrival AS __next
            FROM ({rows})
            WINDOW arrival AS (PARTITION BY {", ".join(keys)} ORDER BY __known, __event
                               ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW))
        WHERE __event = __newest AND __known IS DISTINCT FROM __next
    """  # noqa: S608
