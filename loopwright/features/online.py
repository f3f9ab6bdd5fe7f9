"""The online store: of every entity the newest row of each view, one item in the partition `online/<view>`.

An item's sort names the entity (`packing.sort_keys`), its value is `{"row": bytes}` (`packing.Layout`). A row is newer
if its event time is later, or its known time where event times are equal; a write never replaces a row by an older
one, whoever else writes at the same time. Of two rows with the same times the one that is there stays.

An item expires two TTLs after its event time: for one TTL it is served, for another its reader learns that there was
one but that it is stale.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Columns, moments
from loopwright.definitions.features import FeatureView
from loopwright.errors import ConflictError
from loopwright.features.packing import Layout, sort_keys
from loopwright.ports.table import ABSENT, TRANSACT_LIMIT, Item, Key, Put, Table, Version

Status = Literal["PRESENT", "NOT_FOUND", "OUTSIDE_MAX_AGE"]
"""Feast's words for what a lookup found; the last one: a row as old as its view's TTL, or older."""

_STATUSES: Final = np.array(["PRESENT", "NOT_FOUND"])
_ATTEMPTS: Final = 50


@dataclass(frozen=True, slots=True)
class OnlineRows:
    """What was found for each key, in their order.

    Attributes:
        columns: the view's features; null where nothing was found.
        event_times: of which moment each row tells; NaN where nothing was found.
        statuses: PRESENT or NOT_FOUND; whether a row is stale depends on the moment, see `serving.assemble`.
    """

    columns: Columns
    event_times: NDArray[np.float64]
    statuses: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class _Row:
    """A row on its way into the table."""

    event_time: float
    known_time: float
    data: bytes

    @property
    def age_order(self) -> tuple[float, float]:
        return (self.event_time, self.known_time)


class OnlineStore:
    """Reads and writes the newest features of entities."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._layouts: dict[str, Layout] = {}

    def read(self, view: FeatureView, keys: Columns) -> OnlineRows:
        """Return the features of the entities that the key columns name, by one `get_many`.

        A null key, an entity without a row, and a row of another layout (the view has changed since) are NOT_FOUND.
        """
        layout = self._layout(view)
        partition = _partition(view)
        sorts = sort_keys(view.entity, keys)
        wanted = [sort for sort in dict.fromkeys(sorts) if sort is not None]
        rows: list[bytes] = []
        place_of: dict[str | None, int] = {}
        for sort, item in zip(wanted, self._table.get_many([Key(partition, sort) for sort in wanted]), strict=True):
            if item is not None and layout.fits(data := _data(item)):
                place_of[sort] = len(rows)
                rows.append(data)
        places = [place_of.get(sort, -1) for sort in sorts]
        found = layout.unpack(rows, places)
        return OnlineRows(
            found.columns, found.event_times, _STATUSES[np.array([place < 0 for place in places], dtype=np.intp)]
        )

    def write(self, view: FeatureView, columns: Columns) -> int:
        """Write those of the rows that are newer than what is there, and return how many that were.

        The columns are the source's: keys, event time, known time if the view has one, features. Rows whose key or
        time is null belong to nobody and are passed over. May be repeated, and interrupted, at will.

        Raises:
            ConflictError: others keep writing the same entities.
        """
        rows = list(self._newest(view, columns).items())
        return sum(
            self._write_some(view, dict(rows[start : start + TRANSACT_LIMIT]))
            for start in range(0, len(rows), TRANSACT_LIMIT)
        )

    def _newest(self, view: FeatureView, columns: Columns) -> dict[str, _Row]:
        event_times = moments(columns[view.event_time])
        known_times = moments(columns[view.known_time]) if view.known_time else event_times
        packed = self._layout(view).pack(columns, event_times, known_times)
        newest: dict[str, _Row] = {}
        times = zip(event_times.tolist(), known_times.tolist(), strict=True)
        for sort, (event_time, known_time), data in zip(sort_keys(view.entity, columns), times, packed, strict=True):
            if sort is None or math.isnan(event_time) or math.isnan(known_time):
                continue
            row = _Row(event_time, known_time, data)
            if sort not in newest or row.age_order > newest[sort].age_order:
                newest[sort] = row
        return newest

    def _write_some(self, view: FeatureView, rows: dict[str, _Row]) -> int:
        keys = [Key(_partition(view), sort) for sort in rows]
        for _ in range(_ATTEMPTS):
            puts = list(self._puts(view, rows, keys, self._table.get_many(keys)))
            if not puts:
                return 0
            try:
                self._table.transact(puts)
            except ConflictError:
                continue
            return len(puts)
        raise ConflictError(f"feature view {view.name!r}: others keep writing the same entities; try again later")

    def _puts(
        self, view: FeatureView, rows: dict[str, _Row], keys: Sequence[Key], items: Sequence[Item | None]
    ) -> Iterator[Put]:
        layout = self._layout(view)
        keep = None if view.ttl is None else 2 * view.ttl.total_seconds()
        for key, item, row in zip(keys, items, rows.values(), strict=True):
            if item is not None and layout.fits(there := _data(item)) and layout.age_order(there) >= row.age_order:
                continue
            expect = ABSENT if item is None else Version(item.version)
            expires = None if keep is None else row.event_time + keep
            yield Put(key, {"row": row.data}, expect=expect, expires=expires)

    def _layout(self, view: FeatureView) -> Layout:
        layout = self._layouts.get(view.name)
        if layout is None or layout.view is not view:
            layout = self._layouts[view.name] = Layout(view)
        return layout


def _partition(view: FeatureView) -> str:
    return f"online/{view.name}"


def _data(item: Item) -> bytes:
    data = item.value.get("row")
    return data if isinstance(data, bytes) else b""
