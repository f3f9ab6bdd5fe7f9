"""Values that are too large for an item of DynamoDB: each is a blob of its own, which its item names.

A blob is written before the item that names it, under a name that nobody has had before, and removed after the item
has got another value. A process that ends in between leaves a blob that nothing names; no item ever names a blob that
is not there, and a reader who finds none has an old item in hand.
"""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from adapters.aws.rows import Row
from adapters.items import Stored
from loopwright.errors import LoopwrightError
from loopwright.ports.blobs import Blobs

_LARGEST: Final = 350_000
"""The most bytes of a value that an item has itself: DynamoDB takes 400 KB with names and keys."""

_LARGEST_TOGETHER: Final = 3_500_000
"""The most bytes of values in one transaction: DynamoDB takes 4 MB with names and keys."""


class Overflow:
    """The large values of one table."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def value(self, row: Row) -> bytes:
        """Return a row's packed value.

        Raises:
            NotFoundError: the blob is gone, so the item has another value by now, or is gone too.
        """
        return self._blobs.get(row.blob).data if row.blob else row.packed

    def row(self, stored: Stored, tokens: tuple[str, ...]) -> Row:
        """Return the row of one write, after its blob was written if it is too large for an item."""
        return self._row(stored, tokens, spilled=len(stored.packed) > _LARGEST)

    def rows(self, stored: Sequence[Stored | None], writes: Sequence[tuple[str, ...]]) -> list[Row | None]:
        """Return the rows of one transaction, after the blobs of those that are too large for it were written."""
        spilled = _too_large([0 if one is None else len(one.packed) for one in stored])
        return [
            None if one is None else self._row(one, tokens, spilled=number in spilled)
            for number, (one, tokens) in enumerate(zip(stored, writes, strict=True))
        ]

    def drop(self, rows: Iterable[Row | None]) -> None:
        """Remove the blobs of rows that are no more. What cannot be removed now stays: it only takes up space."""
        for row in rows:
            if row and row.blob:
                self.drop_blob(row.blob)

    def drop_blob(self, blob: str) -> None:
        """Remove one blob, or leave it when that does not work now."""
        with suppress(LoopwrightError):
            self._blobs.delete(blob)

    def _row(self, stored: Stored, tokens: tuple[str, ...], *, spilled: bool) -> Row:
        if not spilled:
            return Row(stored.packed, "", stored.version, stored.expires, tokens)
        blob = secrets.token_hex(16)
        self._blobs.put(blob, stored.packed)
        return Row(b"", blob, stored.version, stored.expires, tokens)


def _too_large(sizes: Sequence[int]) -> set[int]:
    """Return the numbers of the values that must not be in their items: as few as possible, so the largest."""
    total = sum(sizes)
    spilled = set()
    for number in sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True):
        if sizes[number] <= _LARGEST and total <= _LARGEST_TOGETHER:
            break
        spilled.add(number)
        total -= sizes[number]
    return spilled
