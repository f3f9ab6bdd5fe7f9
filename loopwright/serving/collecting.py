"""From the queues into the lake: predictions, labels and pushed features.

At least once, and exactly once after repeats are dropped: messages are acknowledged after their rows are in the lake,
so a collector that dies in between leaves its messages to be delivered again. The append's transaction is the digest
of the message ids, so the same messages delivered again together append nothing; in other company they land twice,
and who reads the log drops repeats by (prediction_id, arm). Two collectors at once share the messages between them.

A message that cannot land (bytes of another kind, columns that do not fit the table) spoils nobody else's: it is given
back alone, and is dead after the queue's five attempts. While the lake does not answer, everything is given back; what
died of a long outage is made alive by `Queue.redrive`.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from loopwright.columns import length
from loopwright.definitions import Project
from loopwright.errors import ConflictError, InvalidInputError, UnavailableError
from loopwright.features.ingest import ingest
from loopwright.ports import Platform
from loopwright.ports.queues import Message
from loopwright.serving.log import (
    FEATURES_QUEUE,
    LABELS_QUEUE,
    PREDICTIONS_QUEUE,
    Entry,
    decode,
    labels_table,
    predictions_table,
    stack,
)

QUEUES: Final = (PREDICTIONS_QUEUE, LABELS_QUEUE, FEATURES_QUEUE)

DRAIN: Final = 2_000
"""How many messages one drain takes of a queue: enough for one large file, few enough for a function's memory."""

LEASE: Final = 60.0

_MISFIT_DELAY: Final = 1.0
_OUTAGE_DELAY: Final = 30.0


@dataclass(frozen=True, slots=True)
class Collected:
    """What landed: rows by table, and how many messages did not and were given back."""

    rows: Mapping[str, int] = field(default_factory=dict)
    messages: int = 0
    failed: int = 0

    def __add__(self, other: "Collected") -> "Collected":
        """Return what both did."""
        tables = {**self.rows, **other.rows}
        rows = {table: self.rows.get(table, 0) + other.rows.get(table, 0) for table in tables}
        return Collected(rows, self.messages + other.messages, self.failed + other.failed)


@dataclass(frozen=True, slots=True)
class Landing:
    """Rows by table, and the messages that did not land."""

    rows: Mapping[str, int]
    failed: tuple[Message, ...]


def collect(platform: Platform, project: Project, *, limit: int = DRAIN, lease: float = LEASE) -> Collected:
    """Take up to `limit` messages of each queue and land them; call it again until it returns no messages.

    Raises:
        UnavailableError, ConflictError: the lake or the table does not take them now; messages in hand were given back.
    """
    rows: dict[str, int] = {}
    messages = failed = 0
    for queue in QUEUES:
        taken = platform.queue.receive(queue, limit=limit, lease=lease)
        if not taken:
            continue
        landed = _land_or_release(platform, project, queue, taken)
        bad = {message.id for message in landed.failed}
        platform.queue.ack(queue, [message.receipt for message in taken if message.id not in bad])
        platform.queue.release(queue, [message.receipt for message in landed.failed], delay=_MISFIT_DELAY)
        rows |= landed.rows
        messages += len(taken)
        failed += len(landed.failed)
    return Collected(rows, messages, failed)


def land(platform: Platform, project: Project, queue: str, messages: Sequence[Message]) -> Landing:
    """Append the messages' rows to the lake, all of one table together, and return what landed and what did not.

    Raises:
        UnavailableError, ConflictError: some messages may have landed, and all may be landed again.
    """
    store, tables = _destination(platform, project, queue)
    entries, failed = _decoded(tables, messages)
    rows: dict[str, int] = {}
    for group in _by_shape(entries):
        for landed in _store(store, group, failed):
            rows[landed.table] = rows.get(landed.table, 0) + length(landed.columns)
    return Landing(rows, tuple(failed))


_Decoded = tuple[Message, Entry]
_Store = Callable[[Entry, str], object]


def _destination(platform: Platform, project: Project, queue: str) -> tuple[_Store, frozenset[str]]:
    """Return what a queue's entries do under a transaction, and the tables or views that they may name."""
    if queue == FEATURES_QUEUE:

        def into_view(entry: Entry, transaction: str) -> object:
            return ingest(platform, project.view(entry.table), entry.columns, transaction=transaction)

        return into_view, frozenset(view.name for view in project.views)

    def into_table(entry: Entry, transaction: str) -> object:
        return platform.lake.append(entry.table, entry.columns, schema=entry.types, transaction=transaction)

    table = predictions_table if queue == PREDICTIONS_QUEUE else labels_table
    return into_table, frozenset(table(model.name) for model in project.models)


def _land_or_release(platform: Platform, project: Project, queue: str, taken: Sequence[Message]) -> Landing:
    try:
        return land(platform, project, queue, taken)
    except (UnavailableError, ConflictError):
        platform.queue.release(queue, [message.receipt for message in taken], delay=_OUTAGE_DELAY)
        raise


def _decoded(tables: frozenset[str], messages: Sequence[Message]) -> tuple[list[_Decoded], list[Message]]:
    entries: list[_Decoded] = []
    failed: list[Message] = []
    for message in messages:
        try:
            entry = decode(message.body)
        except InvalidInputError:
            failed.append(message)
            continue
        if entry.table in tables:
            entries.append((message, entry))
        else:
            failed.append(message)
    return entries, failed


def _by_shape(entries: Sequence[_Decoded]) -> Iterator[list[_Decoded]]:
    """Yield entries that can be stacked: of one table, with the same columns and types."""
    groups: dict[tuple[str, tuple[tuple[str, str], ...]], list[_Decoded]] = {}
    for message, entry in entries:
        groups.setdefault((entry.table, tuple(entry.types.items())), []).append((message, entry))
    yield from groups.values()


def _store(store: _Store, group: Sequence[_Decoded], failed: list[Message]) -> Iterator[Entry]:
    """Store a group whole, or, where it does not fit, in halves until those at fault are alone."""
    entry = stack([one for _, one in group])
    transaction = _transaction([message for message, _ in group])
    try:
        store(entry, transaction)
    except InvalidInputError:
        if len(group) == 1:
            failed.append(group[0][0])
            return
        middle = len(group) // 2
        yield from _store(store, group[:middle], failed)
        yield from _store(store, group[middle:], failed)
    else:
        yield entry


def _transaction(messages: Sequence[Message]) -> str:
    return hashlib.sha256("\n".join(sorted(message.id for message in messages)).encode()).hexdigest()
