"""Messages as rows of one SQLite file, a table a queue."""

from collections.abc import Sequence
from pathlib import Path
from sqlite3 import Connection
from typing import Final

from typing_extensions import override

from adapters.local.border import translated
from adapters.local.database import Database
from adapters.rules import MAX_ATTEMPTS, check_bodies
from loopwright.clock import Clock, NewId
from loopwright.ports.queues import Depth, Message, Queue

EVENTS_SCHEMA: Final = "CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY, id TEXT UNIQUE, body BLOB NOT NULL)"
"""Events live in the same file, so that an event and its messages are one commit."""

# The body stands last: whoever only looks at the other fields reads no further than the first page of a row.
_MAKE: Final = """
CREATE TABLE IF NOT EXISTS {} (
    seq INTEGER PRIMARY KEY, available REAL NOT NULL, attempts INTEGER NOT NULL, hand TEXT NOT NULL, sent REAL NOT NULL,
    id TEXT NOT NULL, body BLOB NOT NULL
)
"""
_EXISTS: Final = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
_SEND: Final = "INSERT INTO {} (available, attempts, hand, sent, id, body) VALUES (?, 0, '', ?, ?, ?)"
_READY: Final = f"available <= ? AND attempts < {MAX_ATTEMPTS}"
_DEAD: Final = f"available <= ? AND attempts >= {MAX_ATTEMPTS}"
_LOOK: Final = "SELECT seq, attempts, sent, id, body FROM {} WHERE {} ORDER BY seq LIMIT ?"
_TAKE: Final = "UPDATE {} SET available = ?, attempts = attempts + 1, hand = ? WHERE seq = ?"
_IN_HAND: Final = "seq = ? AND hand = ? AND available > ?"

_Row = tuple[int, int, float, str, bytes]


class LocalQueue(Queue):
    """Messages as rows of one SQLite file, a table a queue: sending appends one row and touches no index."""

    def __init__(self, path: Path, clock: Clock, new_id: NewId) -> None:
        self.database = Database(path, EVENTS_SCHEMA)
        self._clock = clock
        self._new_id = new_id
        self._known: set[str] = set()

    def close(self) -> None:
        """Let go of the file."""
        self.database.close()

    @override
    def send(self, queue: str, bodies: Sequence[bytes]) -> None:
        check_bodies(queue, bodies)
        if len(bodies) == 1 and queue in self._known:
            with translated(f"send to {queue}"):
                self.database.connection.execute(_SEND.format(_named(queue)), *self._rows(bodies))
        elif bodies:
            with self.database.write(f"send to {queue}") as connection:
                self.send_within(connection, queue, bodies)
            self._known.add(queue)

    def send_within(self, connection: Connection, queue: str, bodies: Sequence[bytes]) -> None:
        """Send messages as a part of the caller's transaction on `database`."""
        check_bodies(queue, bodies)
        connection.execute(_MAKE.format(_named(queue)))
        connection.executemany(_SEND.format(_named(queue)), self._rows(bodies))

    @override
    def receive(self, queue: str, *, limit: int = 10, lease: float = 60.0) -> list[Message]:
        # Looking first spares everybody else a write lock whenever there is nothing.
        if not self._look(queue, _READY, 1):
            return []
        hand = self._new_id()
        with self.database.write(f"receive from {queue}") as connection:
            rows = self._look(queue, _READY, limit)
            until = self._clock() + lease
            connection.executemany(_TAKE.format(_named(queue)), [(until, hand, seq) for seq, *_ in rows])
        return [
            Message(identity, f"{seq}.{hand}", body, attempts + 1, sent) for seq, attempts, sent, identity, body in rows
        ]

    @override
    def ack(self, queue: str, receipts: Sequence[str]) -> None:
        self._finish(queue, f"DELETE FROM {{}} WHERE {_IN_HAND}", receipts, ())

    @override
    def release(self, queue: str, receipts: Sequence[str], *, delay: float = 0.0) -> None:
        release = f"UPDATE {{}} SET available = ?, hand = '' WHERE {_IN_HAND}"
        self._finish(queue, release, receipts, (self._clock() + delay,))

    @override
    def depth(self, queue: str) -> Depth:
        if not self._exists(queue):
            return Depth(0, 0, 0)
        now = self._clock()
        with translated(f"count {queue}"):
            ready, in_flight, dead = self.database.connection.execute(
                f"SELECT total({_READY}), total(available > ?), total({_DEAD}) FROM {_named(queue)}", (now, now, now)
            ).fetchone()
        return Depth(int(ready), int(in_flight), int(dead))

    @override
    def dead(self, queue: str, *, limit: int = 10) -> list[Message]:
        rows = self._look(queue, _DEAD, limit)
        return [Message(identity, "", body, attempts, sent) for _, attempts, sent, identity, body in rows]

    @override
    def redrive(self, queue: str) -> int:
        if not self._exists(queue):
            return 0
        now = self._clock()
        with self.database.write(f"redrive {queue}") as connection:
            redrive = f"UPDATE {_named(queue)} SET available = ?, attempts = 0, hand = '' WHERE {_DEAD}"
            return connection.execute(redrive, (now, now)).rowcount

    def _rows(self, bodies: Sequence[bytes]) -> list[tuple[float, float, str, bytes]]:
        now = self._clock()
        return [(now, now, self._new_id(), body) for body in bodies]

    def _look(self, queue: str, where: str, limit: int) -> list[_Row]:
        if not self._exists(queue):
            return []
        with translated(f"look at {queue}"):
            statement = _LOOK.format(_named(queue), where)
            return self.database.connection.execute(statement, (self._clock(), limit)).fetchall()

    def _finish(self, queue: str, statement: str, receipts: Sequence[str], values: tuple[float, ...]) -> None:
        parted = [receipt.partition(".") for receipt in receipts]
        if not parted or not self._exists(queue):
            return
        now = self._clock()
        with self.database.write(f"finish messages of {queue}") as connection:
            # A text that looks like a number equals it in SQLite, and any other text equals none.
            rows = [(*values, seq, hand, now) for seq, _, hand in parted if hand]
            connection.executemany(statement.format(_named(queue)), rows)

    def _exists(self, queue: str) -> bool:
        if queue not in self._known:
            with translated(f"look at {queue}"):
                row = self.database.connection.execute(_EXISTS, (_table_of(queue),)).fetchone()
            if row is None:
                return False
            self._known.add(queue)
        return True


def _table_of(queue: str) -> str:
    return f"queue {queue}"


def _named(queue: str) -> str:
    """Return the queue's table as an SQL identifier: any text is one, between double quotes."""
    doubled = _table_of(queue).replace('"', '""')
    return f'"{doubled}"'
