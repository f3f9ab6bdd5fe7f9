"""Writes that are decided on what was read, and done only while that is still so.

Nothing is locked: each write of a commit has the condition that its document is as it was read, and a process that is
killed in between leaves nothing that others would wait for. A `Check` of a version is a write that changes nothing.
Only a `Check` that nothing is there has no document whose condition it could be; so it is read in a transaction, which
keeps others away until the commit, or for a minute where that never comes.

Each write leaves a token in its item, and the tokens of the writes before it stay for a while. By them a writer whose
connection broke finds out that his write was done: exactly, until `REMEMBERED` others have written the same item. A
commit that leaves no item behind writes a receipt instead, which Firestore removes when it has expired.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.gcp.documents import Document, put, receipt, touch, unchanged
from adapters.gcp.replies import ServiceError, translation
from adapters.gcp.rows import ABORTED, Hold, Look, Rows
from adapters.items import Stored, after
from adapters.overflow import REMEMBERED, Overflow, Row
from loopwright.clock import Clock
from loopwright.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from loopwright.ports.table import ABSENT, Add, Check, Delete, Write

_ATTEMPTS: Final = 100
"""In nearly every round some writer wins, so only a crowd gets here."""

_REFUSED: Final = frozenset({ABORTED, "ALREADY_EXISTS", "FAILED_PRECONDITION", "NOT_FOUND"})
_RECEIPT_SECONDS: Final = 3_600.0


@dataclass(frozen=True, slots=True)
class _Change:
    """What one write makes of an item; a check makes nothing of it."""

    name: str
    write: Write
    before: Document | None
    after: Row | None

    @property
    def nothing(self) -> bool:
        return isinstance(self.write, Check) or (self.before is None and self.after is None)


@dataclass(frozen=True, slots=True)
class _Draft:
    """One attempt at a transaction: its token, its changes, and what it leads to."""

    token: str
    changes: list[_Change]
    outcomes: list[Stored | None]

    @property
    def traceless(self) -> bool:
        """Whether no item is left behind that could have the token."""
        return all(change.after is None for change in self.changes)

    @property
    def deletion(self) -> bool:
        """Whether it deletes one item, whatever it is."""
        return len(self.changes) == 1 and self.changes[0].write == Delete(self.changes[0].write.key)


class Writes:
    """Writes to one table."""

    def __init__(self, rows: Rows, overflow: Overflow, clock: Clock) -> None:
        self._rows = rows
        self._overflow = overflow
        self._clock = clock

    def write(self, writes: Sequence[Write]) -> list[Stored | None]:
        """Do all of the writes or none, and return what is stored after each; see `Table.transact`."""
        names = [self._rows.names.item(write.key) for write in writes]
        unsure: list[_Draft] = []
        try:
            for attempt in range(_ATTEMPTS):
                done = self._attempt(writes, names, unsure)
                if done:
                    self._tidy(unsure, done)
                    return done.outcomes
                self._rows.pause(attempt)
        except (ConflictError, InvalidInputError):
            # None of the drafts is what its items hold now.
            self._tidy(unsure, None)
            raise
        raise UnavailableError(f"{writes[0].key} is being written by too many at once: try again")

    def _attempt(self, writes: Sequence[Write], names: Sequence[str], unsure: list[_Draft]) -> _Draft | None:
        """Look, decide and write; return what was done, or None when somebody was faster."""
        receipts = [self._rows.names.receipt(draft.token) for draft in unsure if draft.traceless]
        values = any(isinstance(write, Add) for write in writes)
        try:
            look = self._rows.read([*names, *receipts], _hold(writes), values=values)
        except ServiceError:
            return None
        draft = _done(unsure, look)
        written = False
        try:
            if draft is None:
                draft = self._draft(writes, names, look)
                written = draft is not None and self._committed(draft, look.transaction, unsure)
                draft = draft if written else None
        finally:
            if look.transaction and not written:
                self._rows.roll_back(look.transaction)
        return draft

    def _draft(self, writes: Sequence[Write], names: Sequence[str], look: Look) -> _Draft | None:
        """Decide on what was found; None: it has just been replaced."""
        now = self._clock()
        found = [look.documents.get(name) for name in names]
        try:
            current = [self._current(write, document, now) for write, document in zip(writes, found, strict=True)]
        except NotFoundError:
            return None
        outcomes = [after(write, stored) for write, stored in zip(writes, current, strict=True)]
        token = secrets.token_hex(8)
        histories = [(token, *(document.row.writes if document else ()))[:REMEMBERED] for document in found]
        kept = [None if isinstance(write, Check) else one for write, one in zip(writes, outcomes, strict=True)]
        made = self._overflow.rows(kept, histories)
        changes = [_Change(*each) for each in zip(names, writes, found, made, strict=True)]
        return _Draft(token, changes, outcomes)

    def _current(self, write: Write, document: Document | None, now: float) -> Stored | None:
        if document is None or not document.row.live(now):
            return None
        row = document.row
        # Only an addition looks at the value.
        packed = self._overflow.value(row) if isinstance(write, Add) else b""
        return Stored(packed, row.version, row.expires)

    def _committed(self, draft: _Draft, transaction: str, unsure: list[_Draft]) -> bool:
        """Return whether the draft was written; if not, the items are no longer as they were read."""
        if all(change.nothing for change in draft.changes):
            if transaction:
                self._rows.roll_back(transaction)
            return True
        acts = [act for change in draft.changes if (act := _act(change))]
        if draft.traceless and not draft.deletion:
            name = self._rows.names.receipt(draft.token)
            acts.append(receipt(name, draft.token, self._clock() + _RECEIPT_SECONDS))
        try:
            self._rows.call("commit", {"writes": acts, **({"transaction": transaction} if transaction else {})})
        except ServiceError as error:
            if error.repeated or error.throttled:
                unsure.append(draft)
            else:
                self._overflow.drop(change.after for change in draft.changes)
            if not _refused(error, transaction):
                key = draft.changes[0].write.key
                raise translation(error, f"write {len(draft.changes)} items, {key} first") from error
            return False
        return True

    def _tidy(self, unsure: Sequence[_Draft], done: _Draft | None) -> None:
        """Remove the blobs that no item names any more."""
        for draft in unsure:
            if draft is not done:
                self._overflow.drop(change.after for change in draft.changes)
        if done:
            self._overflow.drop(each.before.row for each in done.changes if each.before and not each.nothing)


def _hold(writes: Sequence[Write]) -> Hold:
    checks = [write for write in writes if isinstance(write, Check)]
    if len(checks) == len(writes):
        return "one moment"
    return "locked" if any(check.expect == ABSENT for check in checks) else "newest"


def _act(change: _Change) -> dict[str, Any]:
    """Return what is to be written; empty: nothing."""
    if change.after is not None:
        return put(change.name, change.after) | unchanged(change.before)
    if isinstance(change.write, Check):
        return touch(change.name) | unchanged(change.before) if change.before else {}
    # An item that is not there is deleted all the same: somebody may have made it by now.
    return {"delete": change.name, **(unchanged(change.before) if change.before else {})}


def _done(unsure: Sequence[_Draft], look: Look) -> _Draft | None:
    """Return the draft that was written although it looked as if it was not."""
    tokens = {token for document in look.documents.values() for token in document.row.writes}
    return next((draft for draft in unsure if draft.token in tokens or _been_away(draft, look.documents)), None)


def _been_away(draft: _Draft, documents: Mapping[str, Document]) -> bool:
    """Return whether the one item that was to be deleted has been gone since, whoever deleted it."""
    if not draft.deletion:
        return False
    (change,) = draft.changes
    found = documents.get(change.name)
    return found is None or change.before is None or found.created != change.before.created


def _refused(error: ServiceError, transaction: str) -> bool:
    """Return whether another attempt may succeed: what was read is no longer so, or the transaction is over."""
    over = bool(transaction) and error.code == "INVALID_ARGUMENT" and "transaction" in str(error).lower()
    return over or error.code in _REFUSED
