"""Occasions that come round by the clock, and which of them have been dealt with."""

import math
from typing import Final

from loopwright.ports import Table
from loopwright.ports.table import Key

PARTITION: Final = "worker"


class Occasions:
    """Remembers, across restarts, the newest occasion of each name that has been dealt with."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._known: dict[str, float] = {}

    def ended(self, name: str, period: float, now: float) -> float | None:
        """Return the newest multiple of `period` up to `now`, or None if it has been dealt with.

        Occasions before it that were slept through are not returned: one run makes up for all.
        """
        newest = math.floor(now / period) * period
        return newest if newest > self._last(name) else None

    def done(self, name: str, moment: float) -> None:
        """Remember that the occasion, and all before it, have been dealt with."""
        self._table.put(Key(PARTITION, name), {"at": moment})
        self._known[name] = moment

    def _last(self, name: str) -> float:
        if name not in self._known:
            item = self._table.get(Key(PARTITION, name))
            found = item.value.get("at") if item else None
            self._known[name] = float(found) if isinstance(found, int | float) else -math.inf
        return self._known[name]
