"""Bulk loads: many puts that expect nothing, each atomic, in two calls for up to five hundred."""

import secrets
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final

from adapters.gcp.documents import Document, put, unchanged
from adapters.gcp.replies import ServiceError, translated, translation
from adapters.gcp.rows import Rows
from adapters.items import Stored
from adapters.overflow import REMEMBERED, Overflow, Row
from loopwright.clock import Clock
from loopwright.errors import UnavailableError
from loopwright.ports.table import Key, Put

_ATTEMPTS: Final = 100
_WRITERS: Final = 8
_TOGETHER: Final = 500
"""The most writes that Firestore takes at once."""

_DENIED: Final = 7
_PASSING: Final = frozenset({4, 5, 6, 8, 9, 10, 13, 14})
"""Codes (google.rpc.Code) of what may succeed the next time: busy, or no longer as it was read."""

_STATUSES: Final = {_DENIED: 403}


@dataclass
class _Load:
    """One put on its way: `row` has its value and its token, `before` what was there when it was tried."""

    key: Key
    name: str
    row: Row
    before: list[Document] = field(default_factory=list)

    @property
    def token(self) -> str:
        return self.row.writes[0]


class Loads:
    """Bulk loads of one table."""

    def __init__(self, rows: Rows, overflow: Overflow, clock: Clock, *, largest_together: int) -> None:
        self._rows = rows
        self._overflow = overflow
        self._clock = clock
        self._largest = largest_together

    def load(self, puts: Sequence[tuple[Put, bytes]]) -> None:
        """Write all of them; those of one key in their order."""
        for round_ in _rounds(puts):
            chunks = list(self._chunks(round_))
            with ThreadPoolExecutor(min(_WRITERS, len(chunks))) as pool:
                for _ in pool.map(self._load, chunks):
                    pass

    def _chunks(self, puts: Sequence[tuple[Put, bytes]]) -> Iterator[list[tuple[Put, bytes]]]:
        """Yield what fits into one call."""
        chunk: list[tuple[Put, bytes]] = []
        size = 0
        for each, packed in puts:
            if chunk and (len(chunk) == _TOGETHER or size + len(packed) > self._largest):
                yield chunk
                chunk, size = [], 0
            chunk.append((each, packed))
            size += len(packed)
        if chunk:
            yield chunk

    def _load(self, puts: Sequence[tuple[Put, bytes]]) -> None:
        left = [self._begun(each, packed) for each, packed in puts]
        for attempt in range(_ATTEMPTS):
            left = self._tried(left)
            if not left:
                return
            self._rows.pause(attempt)
        raise UnavailableError(f"{left[0].key} is being written by too many at once: try again")

    def _begun(self, each: Put, packed: bytes) -> _Load:
        row = self._overflow.row(Stored(packed, 0, each.expires), (secrets.token_hex(8),))
        return _Load(each.key, self._rows.names.item(each.key), row)

    def _tried(self, loads: Sequence[_Load]) -> list[_Load]:
        """Look and write; return what is still to be done."""
        try:
            found = self._rows.read([load.name for load in loads], values=False).documents
        except ServiceError:
            return list(loads)
        left, now = [], self._clock()
        for load in loads:
            document = found.get(load.name)
            if document and load.token in document.row.writes:
                # It was done, and only the answer was lost.
                self._done(load)
            else:
                left.append(load)
        if not left:
            return []
        acts = [_act(load, found.get(load.name), now) for load in left]
        with translated(f"write {len(acts)} items, {left[0].key} first"):
            answer = self._rows.call("batchWrite", {"writes": acts})
        # A status that says nothing is a success.
        return [load for load, status in zip(left, answer["status"], strict=True) if not self._settled(load, status)]

    def _settled(self, load: _Load, status: dict[str, Any]) -> bool:
        code = int(status.get("code", 0))
        if not code:
            self._done(load)
        elif code not in _PASSING:
            http = _STATUSES.get(code, 400)
            refusal = ServiceError(f"code {code}", str(status.get("message", "")), http, b"", repeated=False)
            raise translation(refusal, f"write {load.key}")
        return not code

    def _done(self, load: _Load) -> None:
        # Whatever was there at any attempt has been replaced, by this put or before it.
        self._overflow.drop(document.row for document in load.before)


def _act(load: _Load, before: Document | None, now: float) -> dict[str, Any]:
    version, writes = 0, load.row.writes
    if before:
        load.before.append(before)
        version = before.row.version if before.row.live(now) else 0
        writes = (*writes, *before.row.writes)[:REMEMBERED]
    return put(load.name, replace(load.row, version=version + 1, writes=writes)) | unchanged(before)


def _rounds(puts: Sequence[tuple[Put, bytes]]) -> list[list[tuple[Put, bytes]]]:
    """Return the puts so that no key is twice in a round, and a key's are in their order."""
    rounds: list[list[tuple[Put, bytes]]] = []
    seen: dict[Key, int] = {}
    for each in puts:
        number = seen.get(each[0].key, 0)
        seen[each[0].key] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(each)
    return rounds
