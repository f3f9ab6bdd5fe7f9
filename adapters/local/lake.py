"""Versioned tables as Delta tables in folders; `a/b` is in `a~/b`, so that no table's folder holds another table's."""

import random
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from typing_extensions import override

from adapters.arrow import normalized, to_arrow, to_columns
from adapters.lake_schema import Schema, check_selection, merged, types_of
from adapters.local import delta
from adapters.local.delta_log import (
    appended_files,
    before_removals,
    commit_file,
    forget,
    is_table,
    table_folders,
    version_of,
)
from adapters.rules import check_lake_table
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


class LocalLake(Lake):
    """Versioned tables as Delta tables; whatever reads Delta Lake reads them.

    Compaction and expiry make versions too; now and then an append is followed by the compaction of the newest small
    files. Expiry goes by the files' own times, which are the machine's.

    What grows: data, and in each checkpoint of the log one line for every transaction there ever was, by which repeats
    are known. What does not, with `maintain`: small files, data files that only expired versions need, and the log,
    which goes back to the oldest version that is kept, so to the first for as long as that is pinned.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._opened: dict[str, DeltaTable] = {}
        self._older: dict[str, DeltaTable] = {}
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
            return delta.schema_of(self._at(table, version))

    @override
    def read(self, table: str, selection: Selection = EVERYTHING, *, version: int | None = None) -> ArrowStream:
        with self._turn(table, "read"):
            found = self._at(table, version)
            if found is not self._opened[table]:
                self._check_files(table, version, (path for path, _ in delta.files(found)))
            return delta.scan(found, selection, _names(table, found, selection))

    @override
    def read_columns(self, table: str, selection: Selection = EVERYTHING, *, version: int | None = None) -> Columns:
        stream = self.read(table, selection, version=version)
        with delta.translated(f"read lake table {table}"):
            return to_columns(stream)

    @override
    def changes(self, table: str, *, since: int, until: int, selection: Selection = EVERYTHING) -> ArrowStream:
        with self._turn(table, "read"):
            found = self._at(table, until)
            names = _names(table, found, selection)
            if since >= until:
                schema = delta.schema_of(found)
                return to_arrow({}, {name: schema[name] for name in names})
            paths = appended_files(self._folder(table), since=since, until=until)
            self._check_files(table, until, paths)
            return delta.appended(found, selection, names, since=since)

    @override
    def changed_columns(self, table: str, *, since: int, until: int, selection: Selection = EVERYTHING) -> Columns:
        stream = self.changes(table, since=since, until=until, selection=selection)
        with delta.translated(f"read lake table {table}"):
            return to_columns(stream)

    @override
    def digest(self, table: str, *, version: int | None = None) -> str:
        with self._turn(table, "open"):
            return delta.content_digest(self._at(table, version))

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
                keep |= {since, newest, *before_removals(self._folder(table), since=since, until=newest)}
            done = delta.maintain(found, keep_seconds=keep_seconds, keep_versions=sorted(keep))
            forget(self._folder(table), keep=(newest, *keep), before=time.time() - keep_seconds)
            return done

    @override
    def tables(self) -> list[str]:
        with delta.translated("list the lake's tables"):
            folders = table_folders(self._root)
            return sorted(str(folder.relative_to(self._root)).replace("~/", "/") for folder in folders)

    def _append(
        self, table: str, rows: "Columns | tuple[Table, Schema]", declared: Schema, transaction: str | None
    ) -> int | None:
        """Return the version that holds the rows, or None when another process committed something that matters."""
        newest = self._newest(table)
        if newest is None:
            with delta.creation(self._root):
                if self._newest(table) is None:
                    return self._commit(table, None, rows, declared, transaction)
        return self._commit(table, self._newest(table), rows, declared, transaction)

    def _commit(
        self,
        table: str,
        newest: "DeltaTable | None",
        rows: "Columns | tuple[Table, Schema]",
        declared: Schema,
        transaction: str | None,
    ) -> int | None:
        if newest and transaction is not None and newest.transaction_version(transaction) is not None:
            return version_of(self._folder(table), transaction, newest.version())
        existing = delta.schema_of(newest) if newest else {}
        arrow, types = rows if isinstance(rows, tuple) else _typed(table, rows, declared, existing)
        merged(table, existing, types)
        if newest and not arrow.num_rows:
            return newest.version()
        place = newest or self._folder(table)
        ours = delta.append(place, arrow, evolve=set(types) != set(existing), transaction=transaction)
        # Whether it went well or not, what the open table knows now is for the next caller to find out.
        if ours is None:
            self._opened.pop(table, None)
            return None
        self._opened[table] = ours
        version = ours.version()
        if version % _TIDY_EVERY == _TIDY_EVERY - 1 and not delta.compact_small(ours):
            self._opened.pop(table)
        return version

    def _newest(self, table: str) -> "DeltaTable | None":
        found = self._opened.get(table)
        folder = self._folder(table)
        if found is not None and not commit_file(folder, found.version()).exists():
            found = None  # so long untouched that others have tidied its log away
        if found is None:
            if not is_table(folder):
                return None
            found = self._opened[table] = delta.opened(folder)
        elif commit_file(folder, found.version() + 1).exists():
            found.update_incremental()
        return found

    def _at(self, table: str, version: int | None) -> "DeltaTable":
        newest = self._newest(table)
        if newest is None:
            raise NotFoundError(f"lake table {table}")
        if version is None or version == newest.version():
            return newest
        if not 0 <= version < newest.version():
            raise NotFoundError(f"lake table {table}, version {version}: the newest is {newest.version()}")
        if not commit_file(self._folder(table), version).exists():
            raise NotFoundError(f"lake table {table}, version {version}: it has expired")
        older = self._older.get(table)
        if older is None or older.version() != version:
            # Whoever reads a version often reads it several times in a row.
            older = self._older[table] = delta.opened(self._folder(table), version)
        return older

    def _check_files(self, table: str, version: int | None, paths: Iterable[str]) -> None:
        """Raise NotFoundError when a file of an older version is gone: a stream could only break off later."""
        folder = self._folder(table)
        if not all((folder / path).exists() for path in paths):
            raise NotFoundError(f"lake table {table}, version {version}: it has expired")

    def _folder(self, table: str) -> Path:
        *folders, name = table.split("/")
        return self._root.joinpath(*(f"{folder}~" for folder in folders), name)

    @contextmanager
    def _turn(self, table: str, doing: str) -> Iterator[None]:
        """Have an open table to oneself in this process: it moves on to newer versions."""
        check_lake_table(table)
        with self._lock:
            lock = self._locks.setdefault(table, threading.RLock())
        with lock, delta.translated(f"{doing} lake table {table}"):
            yield


def _typed(table: str, rows: Columns, declared: Schema, existing: Schema) -> "tuple[Table, Schema]":
    types = types_of(table, rows, declared=declared, existing=existing)
    return to_arrow(rows, types), types


def _names(table: str, found: "DeltaTable", selection: Selection) -> tuple[str, ...]:
    schema = delta.schema_of(found)
    check_selection(table, selection, schema)
    return tuple(schema) if selection.columns is None else selection.columns
