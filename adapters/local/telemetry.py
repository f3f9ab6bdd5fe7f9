"""Measurements as one SQLite row a minute and series."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from typing_extensions import override

from adapters.local.border import translated
from adapters.local.database import Database
from adapters.measurements import Gathered, Gathering, Labels, Name, minute_of
from loopwright.clock import Clock
from loopwright.ports.telemetry import Series, Telemetry

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS series (
    minute INTEGER NOT NULL, name TEXT NOT NULL, labels TEXT NOT NULL,
    count INTEGER NOT NULL, total REAL NOT NULL, buckets TEXT NOT NULL,
    PRIMARY KEY (minute, name, labels)
) WITHOUT ROWID
"""
_GET: Final = "SELECT count, total, buckets FROM series WHERE minute = ? AND name = ? AND labels = ?"
_STORE: Final = "INSERT OR REPLACE INTO series (minute, name, labels, count, total, buckets) VALUES (?, ?, ?, ?, ?, ?)"
_READ: Final = "SELECT name, labels, count, total, buckets FROM series WHERE minute >= ? AND minute < ?"

_END_OF_TIME: Final = 1 << 62


class LocalTelemetry(Telemetry):
    """Measurements gathered in memory, merged into the rows of their minute by `flush`."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._database = Database(path, _SCHEMA)
        self._clock = clock
        self._gathering = Gathering()

    def close(self) -> None:
        """Write what was gathered and let go of the file."""
        self.flush()
        self._database.close()

    @override
    def count(self, name: str, amount: float = 1.0, **labels: str) -> None:
        self._gathering.count(name, amount, labels)

    @override
    def observe(self, name: str, value: float, **labels: str) -> None:
        self._gathering.observe(name, value, labels)

    @override
    def flush(self) -> None:
        drained = self._gathering.drain()
        if not drained:
            return
        try:
            self._write(minute_of(self._clock()), drained)
        except BaseException:
            self._gathering.restore(drained)
            raise

    @override
    def read(self, *, since: float = 0.0, until: float | None = None) -> Sequence[Series]:
        merged: dict[Name, Gathered] = {}
        with translated("read telemetry"):
            rows = self._database.connection.execute(
                _READ, (minute_of(since), _END_OF_TIME if until is None else until)
            ).fetchall()
        for name, labels, *numbers in rows:
            key = (name, msgspec.json.decode(labels, type=Labels))
            merged.setdefault(key, Gathered()).merge(_gathered(*numbers))
        return [merged[name].series(name) for name in sorted(merged)]

    def _write(self, minute: int, drained: dict[Name, Gathered]) -> None:
        with self._database.write("write telemetry") as connection:
            for (name, labels), gathered in drained.items():
                place = (minute, name, msgspec.json.encode(labels).decode())
                merged = Gathered()
                merged.merge(gathered)
                if found := connection.execute(_GET, place).fetchone():
                    merged.merge(_gathered(*found))
                buckets = msgspec.json.encode(merged.buckets).decode()
                connection.execute(_STORE, (*place, merged.count, merged.total, buckets))


def _gathered(count: int, total: float, buckets: str) -> Gathered:
    return Gathered(count, total, msgspec.json.decode(buckets, type=list[int]))
