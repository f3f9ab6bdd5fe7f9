"""Writes that are decided on what was read, and done only while that is still so.

Each write leaves a token in its item, and the tokens of the writes before it stay for a while. By them a writer
whose connection broke finds out that his write was done: exactly, until `REMEMBERED` others have written the same item.
DynamoDB itself recognises a transaction that is sent again, for ten minutes.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from adapters.aws.replies import ServiceError, translation
from adapters.aws.rows import Attributes, Rows, attributes, expiry_of, place, value_of
from adapters.items import Stored, after
from adapters.overflow import REMEMBERED, Overflow, Row
from loopwright.clock import Clock
from loopwright.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from loopwright.ports.table import Add, Check, Key, Put, Write

_ATTEMPTS: Final = 100
"""In nearly every round some writer wins, so only a crowd gets here."""

_REFUSED: Final = frozenset({"ConditionalCheckFailedException", "TransactionConflictException"})
_CANCELED: Final = "TransactionCanceledException"
_PASSING: Final = frozenset(
    {
        "None",
        "ConditionalCheckFailed",
        "ProvisionedThroughputExceeded",
        "RequestLimitExceeded",
        "ThrottlingError",
        "TransactionConflict",
    }
)
"""Reasons of a canceled transaction that may be gone the next time."""

_LIVE_AND_NOT_MINE: Final = "(attribute_not_exists(x) OR x >= :now) AND NOT contains(w, :w)"


@dataclass(frozen=True, slots=True)
class _Change:
    """What one write makes of an item; a check makes nothing of it."""

    write: Write
    before: Row | None
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


class Writes:
    """Writes to one table."""

    def __init__(self, rows: Rows, overflow: Overflow, clock: Clock) -> None:
        self._rows = rows
        self._overflow = overflow
        self._clock = clock

    def write(self, writes: Sequence[Write]) -> list[Stored | None]:
        """Do all of the writes or none, and return what is stored after each; see `Table.transact`."""
        drafts: list[_Draft] = []
        try:
            for attempt in range(_ATTEMPTS):
                found = self._rows.read([write.key for write in writes])
                done = _done(drafts, found) or self._tried(writes, found, drafts)
                if done:
                    self._tidy(drafts, done)
                    return done.outcomes
                self._rows.pause(attempt)
        except (ConflictError, InvalidInputError):
            # None of the drafts is what its items hold now.
            self._tidy(drafts, None)
            raise
        raise UnavailableError(f"{writes[0].key} is being written by too many at once: try again")

    def replace(self, put: Put, packed: bytes) -> int:
        """Do a put that expects nothing, without a look at what is there, and return the new version."""
        token = _token()
        row = self._overflow.row(Stored(packed, 0, put.expires), (token,))
        try:
            old = self._rows.call("UpdateItem", self._update(put.key, row)).get("Attributes", {})
        except ServiceError as error:
            if error.code not in _REFUSED:
                raise translation(error, f"write {put.key}") from error
            return self._replaced_else(put, row)
        if "o" in old:
            self._overflow.drop_blob(old["o"]["S"])
        return int(old["n"]["N"]) + 1 if "n" in old else 1

    def remove(self, key: Key) -> bool:
        """Remove an item without a look at it, unless a transaction is at it: then return False."""
        body = {"TableName": self._rows.table, "Key": place(key), "ReturnValues": "ALL_OLD"}
        try:
            old = self._rows.call("DeleteItem", body).get("Attributes", {})
        except ServiceError as error:
            if error.code not in _REFUSED:
                raise translation(error, f"delete {key}") from error
            return False
        if "o" in old:
            self._overflow.drop_blob(old["o"]["S"])
        return True

    def _tried(self, writes: Sequence[Write], found: Mapping[Key, Row], drafts: list[_Draft]) -> _Draft | None:
        """Decide on what was found and write; return the draft, or None when somebody was faster."""
        now = self._clock()
        rows = [found.get(write.key) for write in writes]
        try:
            current = [self._current(write, row, now) for write, row in zip(writes, rows, strict=True)]
        except NotFoundError:
            return None
        outcomes = [after(write, stored) for write, stored in zip(writes, current, strict=True)]
        token = _token()
        histories = [(token, *(row.writes if row else ()))[:REMEMBERED] for row in rows]
        kept = [None if isinstance(write, Check) else one for write, one in zip(writes, outcomes, strict=True)]
        made = self._overflow.rows(kept, histories)
        changes = [_Change(*each) for each in zip(writes, rows, made, strict=True)]
        draft = _Draft(token, changes, outcomes)
        drafts.append(draft)
        return draft if self._committed(draft) else None

    def _current(self, write: Write, row: Row | None, now: float) -> Stored | None:
        if row is None or not row.live(now):
            return None
        # Only an addition looks at the value.
        packed = self._overflow.value(row) if isinstance(write, Add) else b""
        return Stored(packed, row.version, row.expires)

    def _committed(self, draft: _Draft) -> bool:
        """Return whether the draft was written; if not, the items are no longer as they were read."""
        first, *more = draft.changes
        if not more and first.nothing:
            return True
        try:
            if not more and first.after:
                item = place(first.write.key) | attributes(first.after)
                self._rows.call("PutItem", {**self._while_unchanged(first), "Item": item})
            else:
                # One delete is a transaction too: it leaves no token, so only DynamoDB can tell that it was ours.
                acts = [self._act(change) for change in draft.changes]
                self._rows.call("TransactWriteItems", {"TransactItems": acts, "ClientRequestToken": draft.token})
        except ServiceError as error:
            if _refused(error):
                return False
            raise translation(error, f"write {len(draft.changes)} items, {first.write.key} first") from error
        return True

    def _act(self, change: _Change) -> dict[str, Attributes]:
        unchanged, key = self._while_unchanged(change), place(change.write.key)
        if isinstance(change.write, Check):
            return {"ConditionCheck": {**unchanged, "Key": key}}
        if change.after is None:
            return {"Delete": {**unchanged, "Key": key}}
        return {"Put": {**unchanged, "Item": key | attributes(change.after)}}

    def _while_unchanged(self, change: _Change) -> Attributes:
        """Return the condition that an item is still as it was read: no two writes of one item have the same tokens."""
        condition = {"TableName": self._rows.table, "ConditionExpression": "attribute_not_exists(pk)"}
        if change.before is None:
            return condition
        values = {":n": {"N": str(change.before.version)}, ":w": {"S": " ".join(change.before.writes)}}
        return condition | {"ConditionExpression": "n = :n AND w = :w", "ExpressionAttributeValues": values}

    def _update(self, key: Key, row: Row) -> Attributes:
        """Return the update that replaces an item, unless it has expired (it begins anew) or this was done already."""
        new = {"w": {"S": row.writes[0]}, **value_of(row), **({} if row.expires is None else expiry_of(row.expires))}
        # `ttl` is a word of DynamoDB's own.
        sets = ", ".join(f"{'#ttl' if name == 'ttl' else name} = :{name}" for name in new)
        gone = ["v" if row.blob else "o", *([] if row.expires is not None else ["x", "#ttl"])]
        values = {f":{name}": value for name, value in new.items()}
        now = {":now": {"N": repr(float(self._clock()))}, ":none": {"N": "0"}, ":one": {"N": "1"}}
        return {
            "TableName": self._rows.table,
            "Key": place(key),
            "UpdateExpression": f"SET n = if_not_exists(n, :none) + :one, {sets} REMOVE {', '.join(gone)}",
            "ConditionExpression": _LIVE_AND_NOT_MINE,
            "ExpressionAttributeNames": {"#ttl": "ttl"},
            "ExpressionAttributeValues": values | now,
            "ReturnValues": "UPDATED_OLD",
        }

    def _replaced_else(self, put: Put, row: Row) -> int:
        """Return the version of a put that was done the first time it was sent; else decide on what is there."""
        found = self._rows.read([put.key]).get(put.key)
        if found and row.writes[0] in found.writes:
            return found.version - found.writes.index(row.writes[0])
        self._overflow.drop([row])
        (stored,) = self.write([put])
        return stored.version if stored else 0

    def _tidy(self, drafts: Sequence[_Draft], done: _Draft | None) -> None:
        """Remove the blobs that no item names any more."""
        for draft in drafts:
            if draft is not done:
                self._overflow.drop(change.after for change in draft.changes)
        if done:
            self._overflow.drop(change.before for change in done.changes if not change.nothing)


def _done(drafts: Sequence[_Draft], found: Mapping[Key, Row]) -> _Draft | None:
    """Return the draft that was written although it looked as if it was not."""
    tokens = {token for row in found.values() for token in row.writes}
    return next((draft for draft in drafts if draft.token in tokens), None)


def _refused(error: ServiceError) -> bool:
    if error.code != _CANCELED:
        return error.code in _REFUSED
    told: dict[str, Any] = msgspec.json.decode(error.body)
    return all(reason.get("Code", "None") in _PASSING for reason in told.get("CancellationReasons", []))


def _token() -> str:
    return secrets.token_urlsafe(9)
