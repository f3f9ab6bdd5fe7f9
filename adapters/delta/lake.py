"""Versioned tables as Delta tables, wherever their files lie."""

import random
import secrets
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from adapters.delta import tables
from adapters.delta.log import appended_files, before_removals, forget, version_of
from adapters.delta.storage import News, Storage
from adapters.lake_schema import Schema, check_selection, merged, types_of
from adapters.rules import check_lake_table
from loopwright.arrow import normalized, to_arrow, to_columns
from loopwright.columns import Columns, DType
from loopwright.errors import NotFoundError, UnavailableError
from loopwright.ports.lake import EVERYTHING, ArrowStream, Lake, Maintenance, Selection

if TYPE_CHECKING:
    from arro3.core import Table
    from deltalake import DeltaTable

_PATIENCE: Final = 30.0
"""Seconds for which a commit is tried again when other processes commit to the same table."""

_PAUSE: Final = 0.02

_TIDY_EVERY: Final = 16
"""Whoever makes the last of so many versions compacts small files: reads and appends cost more with every file."""


class DeltaLake(Lake):
    """Versioned tables as Delta tables; whatever reads Delta Lake reads them.

    Compaction and expiry make versions too; now and then an append is followed by the compaction of the newest small
    files. Expiry goes by the files' own times, which are those of where they lie.

    What grows: data, and in each checkpoint of the log one line for every transaction there ever was, by which repeats
    are known. What does not, with `maintain`: small files, data files that only expired versions need, and the log,
    which goes back to the oldest version that is kept, so to the first for as long as that is pinned.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        # Each with what it was opened with: credentials end, and then a table is opened anew.
        self._opened: dict[str, tuple[DeltaTable, Mapping[str, str] | None]] = {}
        self._older: dict[str, tuple[DeltaTable, Mapping[str, str] | None]] = {}
        self._locks: dict[str, threading.RLock] = {}
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
        given = rows if isinstance(rows, Mapping) else normalized(rows)
        if transaction is None and not self._storage.heard:
            # By it a commit is known that went through unheard, and is made again.
            transaction = secrets.token_hex(12)
        deadline = time.monotonic() + _PATIENCE
        pause = _PAUSE
        while True:
            with self._turn(table, "append to"):
                version = self._append(table, given, schema or {}, transaction)
            if version is not None:
                return version
            if time.monotonic() > deadline:
                raise UnavailableError(f"lake table {table}: others kept committing for {_PATIENCE:g} seconds")
            time.sleep(random.uniform(0.5, 1.0) * pause)  # noqa: S311 - it only keeps writers apart
            pause = min(2 * pause, 1.0)

    @override
    def version(self, table: str) -> int | None:
        with self._turn(table, "open"):
            newest = self._newest(table)
            return newest.version() if newest else None

    @override
    def schema(self, table: str, *, version: int | None = None) -> Mapping[str, DType]:
        with self._turn(table, "open"):
            return tables.schema_of(self._at(table, version))

    @override
    def read(self, table: str, selection: Selection = EVERYTHING, *, version: int | None = None) -> ArrowStream:
        with self._turn(table, "read"):
            found = self._at(table, version)
            if found is not self._opened[table][0]:
                self._check_files(table, found.version(), (path for path, _ in tables.files(found)))
            return tables.scan(found, selection, _names(table, found, selection))

    @override
    def read_columns(self, table: str, selection: Selection = EVERYTHING, *, version: int | None = None) -> Columns:
        stream = self.read(table, selection, version=version)
        with tables.translated(f"read lake table {table}"):
            return to_columns(stream)

    @override
    def changes(self, table: str, *, since: int, until: int, selection: Selection = EVERYTHING) -> ArrowStream:
        with self._turn(table, "read"):
            found = self._at(table, until)
            names = _names(table, found, selection)
            if since >= until:
                schema = tables.schema_of(found)
                return to_arrow({}, {name: schema[name] for name in names})
            paths = appended_files(self._storage, table, since=since, until=until)
            self._check_files(table, until, paths)
            return tables.appended(found, selection, names, since=since)

    @override
    def changed_columns(self, table: str, *, since: int, until: int, selection: Selection = EVERYTHING) -> Columns:
        stream = self.changes(table, since=since, until=until, selection=selection)
        with tables.translated(f"read lake table {table}"):
            return to_columns(stream)

    @override
    def digest(self, table: str, *, version: int | None = None) -> str:
        with self._turn(table, "open"):
            return tables.content_digest(self._at(table, version))

    @override
    def maintain(
        self, table: str, *, keep_seconds: float, keep_versions: Sequence[int] = (), keep_since: int | None = None
    ) -> Maintenance:
        with self._turn(table, "maintain"):
            found = self._at(table, None)
            newest = found.version()
            keep = {version for version in keep_versions if 0 <= version <= newest}
            if keep_since is not None:
                since = min(max(keep_since, 0), newest)
                keep |= {since, newest, *before_removals(self._storage, table, since=since, until=newest)}
            done = tables.maintain(found, keep_seconds=keep_seconds, keep_versions=sorted(keep))
            forget(self._storage, table, keep=(newest, *keep), before=time.time() - keep_seconds)
            return done

    @override
    def tables(self) -> list[str]:
        with tables.translated("list the lake's tables"):
            return sorted(self._storage.tables())

    def _append(
        self, table: str, rows: "Columns | tuple[Table, Schema]", declared: Schema, transaction: str | None
    ) -> int | None:
        """Return the version that holds the rows, or None when another process committed something that matters."""
        newest = self._newest(table)
        if newest and transaction is not None:
            first = newest.transaction_version(transaction)
            if first is not None:
                return version_of(self._storage, table, transaction, first=first, newest=newest.version())
        existing = tables.schema_of(newest) if newest else {}
        arrow, types = rows if isinstance(rows, tuple) else _typed(table, rows, declared, existing)
        merged(table, existing, types)
        if newest is None:
            made = self._storage.create(table, lambda place: tables.create(place, arrow, transaction=transaction))
            return 0 if made else None
        if not arrow.num_rows:
            return newest.version()
        if not tables.append(newest, arrow, evolve=set(types) != set(existing), transaction=transaction):
            self._opened.pop(table, None)
            return None
        version = newest.version()
        if version % _TIDY_EVERY == _TIDY_EVERY - 1 and not tables.compact_small(newest):
            self._opened.pop(table)
        return version

    def _newest(self, table: str) -> "DeltaTable | None":
        options = self._storage.options()
        found, with_options = self._opened.get(table, (None, None))
        if found is not None and with_options is options:
            match self._storage.news(table, found.version()):
                case News.NONE:
                    return found
                case News.NEWER:
                    found.update_incremental()
                    return found
                case News.EXPIRED:
                    pass  # so long untouched that others have tidied its log away
        if not self._storage.exists(table):
            return None
        found = tables.opened(self._storage.location(table), options=options)
        self._opened[table] = found, options
        return found

    def _at(self, table: str, version: int | None) -> "DeltaTable":
        newest = self._newest(table)
        if newest is None:
            raise NotFoundError(f"lake table {table}")
        if version is None or version == newest.version():
            return newest
        if not 0 <= version < newest.version():
            raise NotFoundError(f"lake table {table}, version {version}: the newest is {newest.version()}")
        if not self._storage.has_commit(table, version):
            raise _expired(table, version)
        options = self._storage.options()
        older, with_options = self._older.get(table, (None, None))
        if older is None or older.version() != version or with_options is not options:
            # Whoever reads a version often reads it several times in a row.
            older = tables.opened(self._storage.location(table), version=version, options=options)
            self._older[table] = older, options
        return older

    def _check_files(self, table: str, version: int, paths: Iterable[str]) -> None:
        """Raise NotFoundError when a file of an older version is gone: a stream could only break off later."""
        if not self._storage.has_files(table, paths):
            raise _expired(table, version)

    @contextmanager
    def _turn(self, table: str, doing: str) -> Iterator[None]:
        """Have an open table to oneself in this process: it moves on to newer versions."""
        check_lake_table(table)
        with self._lock:
            lock = self._locks.setdefault(table, threading.RLock())
        with lock, tables.translated(f"{doing} lake table {table}"):
            yield


def _expired(table: str, version: int) -> NotFoundError:
    return NotFoundError(f"lake table {table}, version {version}: it has expired")


def _typed(table: str, rows: Columns, declared: Schema, existing: Schema) -> "tuple[Table, Schema]":
    types = types_of(table, rows, declared=declared, existing=existing)
    return to_arrow(rows, types), types


def _names(table: str, found: "DeltaTable", selection: Selection) -> tuple[str, ...]:
    schema = tables.schema_of(found)
    check_selection(table, selection, schema)
    return tuple(schema) if selection.columns is None else selection.columns
