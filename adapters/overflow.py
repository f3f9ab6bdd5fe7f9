"""Values that are too large for an item of a provider's table: each is a blob of its own, which its item names.

A blob is written before the item that names it, under a name that nobody has had before, and removed after the item
has got another value. A process that ends in between leaves a blob that nothing names; no item ever names a blob that
is not there, and a reader who finds none has an old item in hand.
"""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from adapters.items import Stored
from loopwright.errors import LoopwrightError
from loopwright.ports.blobs import Blobs

REMEMBERED: Final = 8
"""How many writes ago a writer still recognises his own."""


@dataclass(frozen=True, slots=True)
class Row:
    """An item as it is stored.

    Attributes:
        packed: its value; empty when a blob has it.
        blob: the name of that blob; empty when there is none.
        version: see `Item`.
        expires: see `Put`.
        writes: tokens of the writes that made it, the newest first, `REMEMBERED` of them at the most.
    """

    packed: bytes
    blob: str
    version: int
    expires: float | None
    writes: tuple[str, ...]

    def live(self, now: float) -> bool:
        """Return whether it may still be read."""
        return self.expires is None or self.expires >= now


class Overflow:
    """The large values of one table."""

    def __init__(self, blobs: Blobs, *, largest: int, largest_together: int) -> None:
        """Have them in blobs; an item takes values of up to `largest` bytes, one write `largest_together`."""
        self._blobs = blobs
        self._largest = largest
        self._together = largest_together

    def value(self, row: Row) -> bytes:
        """Return a row's packed value.

        Raises:
            NotFoundError: the blob is gone, so the item has another value by now, or is gone too.
        """
        return self._blobs.get(row.blob).data if row.blob else row.packed

    def row(self, stored: Stored, tokens: tuple[str, ...]) -> Row:
        """Return the row of one write, after its blob was written if it is too large for an item."""
        return self._row(stored, tokens, spilled=len(stored.packed) > self._largest)

    def rows(self, stored: Sequence[Stored | None], writes: Sequence[tuple[str, ...]]) -> list[Row | None]:
        """Return the rows of one transaction, after the blobs of those that are too large for it were written."""
        spilled = self._too_large([0 if one is None else len(one.packed) for one in stored])
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

    def _too_large(self, sizes: Sequence[int]) -> set[int]:
        """Return the numbers of the values that must not be in their items: as few as possible, so the largest."""
        total = sum(sizes)
        spilled = set()
        for number in sorted(range(len(sizes)), key=sizes.__getitem__, reverse=True):
            if sizes[number] <= self._largest and total <= self._together:
                break
            spilled.add(number)
            total -= sizes[number]
        return spilled
