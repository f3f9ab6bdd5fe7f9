"""Versioned tables: one block of columns a version."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from typing_extensions import override

from adapters.lake_schema import Schema, check_selection, merged, types_of
from adapters.rules import check_lake_table
from loopwright.arrow import columns_of, to_arrow
from loopwright.columns import Array, Columns, DType, concat, empty, length, take, times
from loopwright.errors import NotFoundError
from loopwright.hashing import digest
from loopwright.ports.lake import EVERYTHING, ArrowStream, Lake, Maintenance, Selection


@dataclass(frozen=True, slots=True)
class _Version:
    """One append: its rows, and the schema and the digest of the table from then on."""

    rows: Columns
    schema: Mapping[str, DType]
    digest: str


class MemoryLake(Lake):
    """Versioned tables, for tests and as the reference: nothing is ever compacted, no version expires."""

    def __init__(self) -> None:
        self._tables: dict[str, list[_Version]] = {}
        self._transactions: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()

    @override
    def append(
        self,
        table: str,
        rows: Columns | ArrowStream,
        *,
        schema: Mapping[str, DType] | None = None,
        transaction: str | None = None,
    ) -> int:
        check_lake_table(table)
        columns, declared = (rows, schema or {}) if isinstance(rows, Mapping) else columns_of(rows)
        with self._lock:
            done = self._transactions.get((table, transaction)) if transaction is not None else None
            if done is not None:
                return done
            before = len(self._tables.get(table, ()))
            version = self._append(table, columns, declared)
            if transaction is not None and version == before:
                self._transactions[table, transaction] = version
        return version

    @override
    def version(self, table: str) -> int | None:
        check_lake_table(table)
        with self._lock:
            return len(self._tables[table]) - 1 if table in self._tables else None

    @override
    def schema(self, table: str, *, version: int | None = None) -> Mapping[str, DType]:
        return dict(self._upto(table, version)[-1].schema)

    @override
    def read(self, table: str, selection: Selection = EVERYTHING, *, version: int | None = None) -> ArrowStream:
        versions = self._upto(table, version)
        return _stream(table, versions, versions[-1].schema, selection)

    @override
    def read_columns(self, table: str, selection: Selection = EVERYTHING, *, version: int | None = None) -> Columns:
        versions = self._upto(table, version)
        return _rows(table, versions, versions[-1].schema, selection)

    @override
    def changes(self, table: str, *, since: int, until: int, selection: Selection = EVERYTHING) -> ArrowStream:
        versions = self._upto(table, until)
        return _stream(table, versions[since + 1 :], versions[-1].schema, selection)

    @override
    def changed_columns(self, table: str, *, since: int, until: int, selection: Selection = EVERYTHING) -> Columns:
        versions = self._upto(table, until)
        return _rows(table, versions[since + 1 :], versions[-1].schema, selection)

    @override
    def digest(self, table: str, *, version: int | None = None) -> str:
        return self._upto(table, version)[-1].digest

    @override
    def maintain(
        self, table: str, *, keep_seconds: float, keep_versions: Sequence[int] = (), keep_since: int | None = None
    ) -> Maintenance:
        blocks = len(self._upto(table, None))
        return Maintenance(blocks, blocks, 0)

    @override
    def tables(self) -> list[str]:
        with self._lock:
            return sorted(self._tables)

    def _append(self, table: str, rows: Columns, declared: Mapping[str, DType]) -> int:
        versions = self._tables.get(table, [])
        before = versions[-1] if versions else _Version({}, {}, "")
        types = types_of(table, rows, declared=declared, existing=before.schema)
        schema = merged(table, before.schema, types)
        if versions and not length(rows):
            return len(versions) - 1
        block = {name: _own(column, types[name]) for name, column in rows.items()}
        self._tables.setdefault(table, []).append(_Version(block, schema, _chained(before.digest, block)))
        return len(self._tables[table]) - 1

    def _upto(self, table: str, version: int | None) -> list[_Version]:
        check_lake_table(table)
        with self._lock:
            versions = self._tables.get(table, [])
            newest = len(versions) - 1
            if not versions or not 0 <= (newest if version is None else version) <= newest:
                raise NotFoundError(f"lake table {table}" + ("" if version is None else f", version {version}"))
            return versions[: (newest if version is None else version) + 1]


def _own(column: Array, dtype: DType) -> Array:
    """Return a copy of the column in the one array type that `Columns` has for its type."""
    match dtype:
        case "string":
            return np.array(column, dtype=object)
        case "time":
            return column.astype("datetime64[us]")
        case "float" | "int" | "bool":
            return column.astype(np.float64)


def _chained(before: str, block: Columns) -> str:
    content = (f"{name}:{column.tolist()!r}" for name, column in sorted(block.items()))
    return digest("\n".join((before, *content)).encode())


def _rows(table: str, versions: Sequence[_Version], schema: Schema, selection: Selection) -> dict[str, Array]:
    names = tuple(schema) if selection.columns is None else selection.columns
    check_selection(table, selection, schema)
    wanted = dict.fromkeys((*names, *(between.column for between in selection.where)))
    parts = [
        {name: version.rows.get(name, empty(schema[name], length(version.rows))) for name in wanted}
        for version in versions
    ]
    found = concat([{name: empty(schema[name], 0) for name in wanted}, *parts])
    kept = take(found, _chosen(found, selection))
    return {name: kept[name] for name in names}


def _chosen(found: Columns, selection: Selection) -> NDArray[np.bool_]:
    chosen = np.ones(length(found), dtype=np.bool_)
    for between in selection.where:
        at = found[between.column].astype("datetime64[us]")
        chosen &= ~np.isnat(at)
        if between.low is not None:
            chosen &= at >= times([between.low])
        if between.high is not None:
            chosen &= at < times([between.high])
    return chosen


def _stream(table: str, versions: Sequence[_Version], schema: Schema, selection: Selection) -> ArrowStream:
    rows = _rows(table, versions, schema, selection)
    return to_arrow(rows, {name: schema[name] for name in rows})
