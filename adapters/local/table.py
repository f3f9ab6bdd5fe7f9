"""Items as rows of one SQLite file."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final

import msgspec
from typing_extensions import override

from adapters.items import Stored, after, check_key, check_part, check_writes, item_of, pack, unconditional, unpack_item
from adapters.local.border import translated
from adapters.local.database import Database
from loopwright.clock import Clock
from loopwright.ports.table import Add, Delete, Expectation, Item, Key, Put, Table, Value, Version, Write

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS items (
    partition TEXT NOT NULL, sort TEXT NOT NULL, version INTEGER NOT NULL, expires REAL, value BLOB NOT NULL,
    PRIMARY KEY (partition, sort)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS expiring ON items (expires) WHERE expires IS NOT NULL
"""
_GET: Final = "SELECT value, version, expires FROM items WHERE partition = ? AND sort = ?"
_GET_MANY: Final = (
    "SELECT sort, value, version, expires FROM items WHERE partition = ? AND sort IN (SELECT value FROM json_each(?))"
)
_QUERY: Final = """
SELECT sort, {} FROM items
WHERE partition = ? AND sort >= ? AND sort < ? AND (expires IS NULL OR expires >= ?) ORDER BY sort {} LIMIT ?
"""
_PUT: Final = """
INSERT INTO items (partition, sort, value, version, expires) VALUES (?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET
    value = excluded.value, expires = excluded.expires, version = iif(items.expires < ?, 1, items.version + 1)
"""
_STORE: Final = "INSERT OR REPLACE INTO items (partition, sort, value, version, expires) VALUES (?, ?, ?, ?, ?)"
_DELETE: Final = "DELETE FROM items WHERE partition = ? AND sort = ?"
_EXPIRE: Final = """
DELETE FROM items WHERE (partition, sort) IN (SELECT partition, sort FROM items WHERE expires < ? LIMIT 100)
"""

_Row = tuple[str, bytes, int, float | None]
"""Sort, packed value, version, expiry."""

_Span = tuple[str, str, str | bytes]

_FEW: Final = 3
_PAGE: Final = 256
_PAGE_OF_VERSIONS: Final = 4_096
_BULK: Final = 2_000
_FIRST_SURROGATE: Final = "\ud800"
_BEHIND_SURROGATES: Final = "\ue000"
"""Surrogates stand for no characters: no text has them."""

_ABOVE_ALL_TEXT: Final = b""
"""SQLite puts every blob behind every text."""


class LocalTable(Table):
    """Items as rows of one SQLite file, which orders text by code point."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._database = Database(path, _SCHEMA)
        self._clock = clock

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @override
    def get(self, key: Key) -> Item | None:
        check_key(key)
        with translated(f"read {key}"):
            stored = self._live(self._database.connection, key)
        return unpack_item(key, stored) if stored else None

    @override
    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        if len(keys) <= _FEW:
            return [self.get(key) for key in keys]
        sorts: dict[str, list[str]] = {}
        for key in keys:
            check_key(key)
            sorts.setdefault(key.partition, []).append(key.sort)
        with translated(f"read {len(keys)} items"):
            found = {partition: self._rows(partition, wanted) for partition, wanted in sorts.items()}
        rows = ((key, found[key.partition].get(key.sort)) for key in keys)
        return [None if row is None else item_of(key, row[1], row[2]) for key, row in rows]

    @override
    def put(
        self, key: Key, value: Mapping[str, Value], *, expect: Expectation = None, expires: float | None = None
    ) -> int:
        (stored,) = self._write([Put(key, value, expect, expires)])
        return stored.version if stored else 0

    @override
    def put_many(self, puts: Sequence[Put]) -> None:
        now = self._clock()
        rows = [
            (put.key.partition, put.key.sort, pack(put.key, put.value), put.expires, now) for put in unconditional(puts)
        ]
        for start in range(0, len(rows), _BULK):
            with self._database.write("write items") as connection:
                connection.executemany(_PUT, rows[start : start + _BULK])

    @override
    def delete(self, key: Key, *, expect: Version | None = None) -> None:
        self._write([Delete(key, expect)])

    @override
    def query(
        self,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[Item]:
        span = _span(partition, prefix, after, before)
        pages = self._pages("value, version", span, _PAGE, limit, reverse=reverse)
        return (item_of(Key(partition, sort), value, version) for page in pages for sort, value, version in page)

    @override
    def versions(
        self,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[str, int]]:
        span = _span(partition, prefix, after, before)
        pages = self._pages("version", span, _PAGE_OF_VERSIONS, limit, reverse=reverse)
        return (row for page in pages for row in page)

    @override
    def add(self, key: Key, amounts: Mapping[str, int | float]) -> Mapping[str, Value]:
        (stored,) = self._write([Add(key, amounts)])
        return unpack_item(key, stored).value if stored else {}

    @override
    def transact(self, writes: Sequence[Write]) -> None:
        self._write(writes)

    def _write(self, writes: Sequence[Write]) -> list[Stored | None]:
        check_writes(writes)
        with self._database.write("write items") as connection:
            outcomes = [after(write, self._live(connection, write.key)) for write in writes]
            for write, stored in zip(writes, outcomes, strict=True):
                place = (write.key.partition, write.key.sort)
                if stored is None:
                    connection.execute(_DELETE, place)
                else:
                    connection.execute(_STORE, (*place, stored.packed, stored.version, stored.expires))
            if any(stored and stored.expires is not None for stored in outcomes):
                connection.execute(_EXPIRE, (self._clock(),))
        return outcomes

    def _live(self, connection: Connection, key: Key) -> Stored | None:
        row = connection.execute(_GET, (key.partition, key.sort)).fetchone()
        if row is None or (row[2] is not None and row[2] < self._clock()):
            return None
        return Stored(*row)

    def _rows(self, partition: str, sorts: list[str]) -> dict[str, _Row]:
        """Return the rows that have not expired, by their sort."""
        wanted = msgspec.json.encode(sorts).decode()
        rows: list[_Row] = self._database.connection.execute(_GET_MANY, (partition, wanted)).fetchall()
        # Few items ever expire, and the clock may be a file.
        now = self._clock() if any(row[3] is not None for row in rows) else 0.0
        return {row[0]: row for row in rows if row[3] is None or row[3] >= now}

    def _pages(self, columns: str, span: _Span, size: int, limit: int | None, *, reverse: bool) -> Iterator[list[Any]]:
        """Yield page after page, so that no reader holds the file while its caller thinks."""
        statement = _QUERY.format(columns, "DESC" if reverse else "ASC")
        partition, low, high = span
        while limit is None or limit > 0:
            asked = size if limit is None else min(limit, size)
            with translated(f"query {partition}"):
                place = (partition, low, high, self._clock(), asked)
                rows = self._database.connection.execute(statement, place).fetchall()
            yield rows
            if len(rows) < asked:
                return
            limit = None if limit is None else limit - asked
            last = rows[-1][0]
            low, high = (low, last) if reverse else (f"{last}\0", high)


def _span(partition: str, prefix: str, after: str | None, before: str | None) -> _Span:
    """Return the partition and the bounds, the first inclusive and the second not, of what is asked for."""
    check_part(partition, partition)
    # No text lies between a text and the same text with a zero behind it.
    low = prefix if after is None else max(prefix, f"{after}\0")
    return partition, low, _least(_successor(prefix), before)


def _successor(prefix: str) -> str | bytes:
    """Return what is greater than every text with this prefix, and not greater than any other text behind them."""
    shortened = prefix.rstrip(chr(sys.maxunicode))
    if not shortened:
        return _ABOVE_ALL_TEXT
    following = chr(ord(shortened[-1]) + 1)
    return shortened[:-1] + (_BEHIND_SURROGATES if following == _FIRST_SURROGATE else following)


def _least(high: str | bytes, before: str | None) -> str | bytes:
    if before is None:
        return high
    return before if isinstance(high, bytes) else min(high, before)
