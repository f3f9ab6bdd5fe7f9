"""One SQLite file: a connection a thread, writes one after another.

Write-ahead logging with `synchronous=NORMAL`: a commit outlives the death of the process, whenever it comes. A power
cut may take the last moments' commits, all of them from some point on, and never damages the file. That is no weaker
than the lake beside it, whose files nobody forces to disk either, and it costs 25 µs a commit instead of 1.5 ms.
"""

import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from adapters.local.border import translated
from loopwright.errors import UnavailableError

_PATIENCE: Final = 30.0
"""Seconds to wait for other processes' writes."""

_FORMAT: Final = 1


class _Connection(sqlite3.Connection):
    """A connection that can be held weakly, and closes itself when its thread is gone."""

    def __del__(self) -> None:
        self.close()


class Database:
    """Opened when it is first used; safe for threads and processes.

    Raises everywhere:
        UnavailableError: the disk is full, or the file was locked for too long; nothing was written.
        IntegrityError: the file is damaged.
    """

    def __init__(self, path: Path, schema: str) -> None:
        """Keep the place of the file and the statements that make its tables."""
        self._path = path
        self._schema = schema
        self._threads = threading.local()
        self._connections: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    @property
    def connection(self) -> sqlite3.Connection:
        """The calling thread's connection; a statement outside of `write` is a transaction of its own."""
        found: sqlite3.Connection | None = getattr(self._threads, "connection", None)
        return self._opened() if found is None else found

    @contextmanager
    def write(self, doing: str) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction that nobody else's write falls into; an error in the block undoes it.

        Threads take their turns here; SQLite would have each look again, less and less often, whether it may.
        """
        with translated(doing), self._writing:
            connection = self.connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # A full disk makes SQLite roll back by itself.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            connections = list(self._connections)
            self._threads = threading.local()
        for connection in connections:
            connection.close()

    def _opened(self) -> sqlite3.Connection:
        with translated(f"open {self._path}"), self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # Only `close` uses a connection from another thread than its own.
            connection = sqlite3.connect(
                self._path, _PATIENCE, isolation_level=None, check_same_thread=False, factory=_Connection
            )
            try:
                _log_ahead(connection)
                _make(connection, self._schema)
            except BaseException:
                connection.close()
                raise
            self._connections.add(connection)
        self._threads.connection = connection
        return connection


def _log_ahead(connection: sqlite3.Connection) -> None:
    """Use write-ahead logging; the first process to come sets it, which waits for no lock by itself."""
    deadline = time.monotonic() + _PATIENCE
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
    connection.execute("PRAGMA synchronous = NORMAL")


def _make(connection: sqlite3.Connection, schema: str) -> None:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > _FORMAT:
        raise UnavailableError(f"the file has format {found}; this release of Loopwright knows {_FORMAT}")
    if found < _FORMAT:
        # IF NOT EXISTS everywhere: another process may have been faster.
        connection.executescript(f"BEGIN IMMEDIATE; {schema}; PRAGMA user_version = {_FORMAT}; COMMIT;")
