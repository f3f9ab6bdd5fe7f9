"""Of a stream of a view's rows the newest known one of each entity, in as much memory as these take."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loopwright.arrow import to_columns
from loopwright.columns import Array, Columns, concat, length, take
from loopwright.definitions.features import FeatureView
from loopwright.features.sources import source_columns
from loopwright.ports.lake import ArrowStream

_ENOUGH: Final = 100_000
"""So many rows at least are looked at together."""


@dataclass(frozen=True, slots=True)
class Newest:
    """What was found in some rows.

    Attributes:
        rows: how many there were, but for those without a time.
        columns: the source's columns, one row an entity.
        pending: when the next one will be known; None: all are.
    """

    rows: int
    columns: Columns
    pending: float | None


def newest(view: FeatureView, stream: ArrowStream, *, now: float) -> Newest:
    """Return of each entity the row of the latest event time, then known time, of those that are known at `now`."""
    limit = round(now * 1e6)
    rows, kept, pending = 0, _nothing(view), None
    for part in _parts(view, stream):
        since = part[view.known_time or view.event_time]
        timed, known = ~(np.isnat(part[view.event_time]) | np.isnat(since)), _micros(since)
        rows += int(timed.sum())
        waiting = known[timed & (known > limit)]
        if len(waiting):
            first = float(waiting.min()) / 1e6
            pending = first if pending is None else min(first, pending)
        kept = _last_of_each(view, concat([kept, take(part, timed & (known <= limit))]))
    return Newest(rows, kept, pending)


def _nothing(view: FeatureView) -> dict[str, Array]:
    kinds = {"string": np.dtype(object), "time": np.dtype("datetime64[us]")}
    return {name: np.empty(0, kinds.get(dtype, np.dtype(np.float64))) for name, dtype in source_columns(view).items()}


def _parts(view: FeatureView, stream: ArrowStream) -> Iterator[dict[str, Array]]:
    """Yield the rows, many at once: files may have few."""
    from arro3.core import RecordBatchReader, Table  # noqa: PLC0415 - only who touches the lake pays for it

    gathered, rows = [], 0
    for batch in RecordBatchReader.from_arrow(stream):
        gathered.append(batch)
        rows += batch.num_rows
        if rows >= _ENOUGH:
            yield _columns(view, Table.from_batches(gathered))
            gathered, rows = [], 0
    if rows:
        yield _columns(view, Table.from_batches(gathered))


def _columns(view: FeatureView, table: ArrowStream) -> dict[str, Array]:
    columns = to_columns(table)
    return {name: columns[name] for name in source_columns(view)}


def _last_of_each(view: FeatureView, columns: Columns) -> dict[str, Array]:
    if not length(columns):
        return dict(columns)
    times = [_micros(columns[name]) for name in (view.known_time or view.event_time, view.event_time)]
    entity = _numbered([columns[name] for name in view.entity.key_names])
    order = np.lexsort((*times, entity))
    last = np.append(np.diff(entity[order]) != 0, True)
    return take(columns, order[last])


def _numbered(keys: list[Array]) -> NDArray[np.intp]:
    """Return a number a row, the same for the same keys."""
    numbers = np.zeros(len(keys[0]), np.intp)
    for key in keys:
        _, inverse = np.unique(key, return_inverse=True)
        # Numbered anew after each key, they never grow beyond the number of rows squared.
        _, numbers = np.unique(numbers * (len(key) + 1) + inverse, return_inverse=True)
    return numbers


def _micros(column: Array) -> NDArray[np.int64]:
    return column.astype("datetime64[us]").astype(np.int64)
