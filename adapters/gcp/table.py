"""Items in one Firestore database, and in blobs those that are too large for it.

What an operation costs, in calls one after the other and in what Firestore charges for (documents read, written and
deleted, each whatever its size):

| operation | calls | reads | writes |
|---|---|---|---|
| `get` | 1 | 1 | |
| `get_many` of n | 1 for each 300 | n | |
| `put`, `add` | 2 | 1 | 1 |
| `delete` | 2, or 1 where nothing is | 1 | 1 deletion, and 1 write when a version is expected |
| `put_many` of n | 2 for each 500, eight of them at a time | n | n |
| `query` that finds n | 1 a page, of 64 items first, then of up to 1,000 or about 4 MB | n, at least 1 | |
| `versions` that finds n | 1 a page of 1,000 | n, at least 1 | |
| `transact` of n | 2 | n | n, deletions among them; 1 more when it only deletes |

A put that expects nothing looks first all the same. Firestore could count a document's writes without a look, but not
begin anew where it has expired; it could not tell a put that is sent again from a second one; and whoever replaces a
value in a blob must know the blob.

Firestore recommends at most one write a second to one document, and fewer than 500 a second to neighbours in the order
of names while a database is new; it takes more, more slowly.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from typing_extensions import override

from adapters.gcp.api import Api
from adapters.gcp.documents import Document, sort_of_digits
from adapters.gcp.loads import Loads
from adapters.gcp.place import GcpPlace
from adapters.gcp.ranges import Range, range_of
from adapters.gcp.rows import Page, Rows
from adapters.gcp.writes import Writes
from adapters.items import check_key, check_part, check_writes, item_of, pack, unconditional, unpack_item
from adapters.overflow import Overflow
from loopwright.clock import Clock
from loopwright.errors import NotFoundError, UnavailableError
from loopwright.ports.blobs import Blobs
from loopwright.ports.table import Add, Delete, Expectation, Item, Key, Put, Table, Value, Version, Write

_LARGEST: Final = 1_044_000
"""The most bytes of a value that an item has itself: Firestore takes 1 MiB with names and other fields."""

_LARGEST_TOGETHER: Final = 3_500_000
"""The most bytes of values in one call: Firestore takes 10 MiB, its emulator 4, and bulk loads have eight in memory."""

_LOOKS: Final = 20
_FIRST_PAGE: Final = 64
_LARGEST_PAGE: Final = 1_000
_PAGE_BYTES: Final = 4_000_000


class FirestoreTable(Table):
    """Items in one Firestore database.

    What one call writes is there as a whole or not at all, and a read of several items is of one moment. A query that
    takes longer than an hour goes on with what is there then, as does one that meets a value in a blob, after its first
    page, which has been replaced since it began.
    """

    def __init__(
        self,
        api: Api,
        place: GcpPlace,
        overflow: Blobs,
        clock: Clock,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open a table; `overflow` has the values that are too large for an item, and nothing else."""
        self._clock = clock
        self._overflow = Overflow(overflow, largest=_LARGEST, largest_together=_LARGEST_TOGETHER)
        self._rows = Rows(api, place, sleep)
        self._writes = Writes(self._rows, self._overflow, clock)
        self._loads = Loads(self._rows, self._overflow, clock, largest_together=_LARGEST_TOGETHER)

    @override
    def get(self, key: Key) -> Item | None:
        return self.get_many([key])[0]

    @override
    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        for key in keys:
            check_key(key)
        if not keys:
            return []
        names = {key: self._rows.names.item(key) for key in keys}
        for attempt in range(_LOOKS):
            found = self._rows.read(names.values(), "newest" if len(names) == 1 else "one moment").documents
            now = self._clock()
            try:
                return [self._item(key, found.get(names[key]), now) for key in keys]
            except NotFoundError:
                # One has just been replaced.
                self._rows.pause(attempt)
        raise UnavailableError(f"{keys[0]}: its value is replaced faster than it can be read: try again")

    @override
    def put(
        self, key: Key, value: Mapping[str, Value], *, expect: Expectation = None, expires: float | None = None
    ) -> int:
        check_key(key)
        (stored,) = self._writes.write([Put(key, value, expect, expires)])
        return stored.version if stored else 0

    @override
    def put_many(self, puts: Sequence[Put]) -> None:
        packed = [(put, pack(put.key, put.value)) for put in unconditional(puts)]
        self._loads.load(packed)

    @override
    def delete(self, key: Key, *, expect: Version | None = None) -> None:
        check_key(key)
        self._writes.write([Delete(key, expect)])

    @override
    def query(
        self,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[Item]:
        check_part(partition, partition)
        return self._found(range_of(partition, prefix=prefix, after=after, before=before), limit, reverse=reverse)

    @override
    def versions(
        self,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[str, int]]:
        check_part(partition, partition)
        wanted = range_of(partition, prefix=prefix, after=after, before=before)
        return islice(self._versions(wanted, limit, reverse=reverse), limit)

    @override
    def add(self, key: Key, amounts: Mapping[str, int | float]) -> Mapping[str, Value]:
        check_key(key)
        (stored,) = self._writes.write([Add(key, amounts)])
        return unpack_item(key, stored).value if stored else {}

    @override
    def transact(self, writes: Sequence[Write]) -> None:
        check_writes(writes)
        if writes:
            self._writes.write(writes)

    def _found(self, wanted: Range, limit: int | None, *, reverse: bool) -> Iterator[Item]:
        left, size, moment, looks = limit, _FIRST_PAGE, "", 0
        while left != 0 and not wanted.empty:
            asked = size if left is None else min(size, left)
            page = self._rows.page(wanted, size=asked, reverse=reverse, moment=moment)
            try:
                items = self._items(wanted.partition, page)
            except NotFoundError:
                looks += 1
                if looks == _LOOKS:
                    raise UnavailableError(
                        f"{wanted.partition}: its values are replaced faster than they can be read: try again"
                    ) from None
                self._rows.pause(looks)
                moment = ""
                continue
            yield from items
            if len(page.documents) < asked:
                return
            moment = page.moment
            left = None if left is None else left - len(items)
            wanted = wanted.beyond(page.documents[-1][0], reverse=reverse)
            size = _next_size(page)

    def _versions(self, wanted: Range, limit: int | None, *, reverse: bool) -> Iterator[tuple[str, int]]:
        asked, moment = min(limit or _LARGEST_PAGE, _LARGEST_PAGE), ""
        while limit != 0 and not wanted.empty:
            page = self._rows.page(wanted, size=asked, reverse=reverse, moment=moment, values=False)
            now = self._clock()
            for digits, document in page.documents:
                if document.row.live(now):
                    yield sort_of_digits(digits), document.row.version
            if len(page.documents) < asked:
                return
            moment = page.moment
            wanted = wanted.beyond(page.documents[-1][0], reverse=reverse)

    def _items(self, partition: str, page: Page) -> list[Item]:
        now = self._clock()
        found = (
            self._item(Key(partition, sort_of_digits(digits)), document, now) for digits, document in page.documents
        )
        return [item for item in found if item]

    def _item(self, key: Key, document: Document | None, now: float) -> Item | None:
        """Return the item as its readers see it, None where there is none or it has expired."""
        if document is None or not document.row.live(now):
            return None
        return item_of(key, self._overflow.value(document.row), document.row.version)


def _next_size(page: Page) -> int:
    """Return how many items the next page is asked for, if they are as large as those of this one."""
    # What a blob has counts for as much as an item may have.
    held = sum(_LARGEST if document.row.blob else len(document.row.packed) for _, document in page.documents)
    return max(1, min(_LARGEST_PAGE, _PAGE_BYTES * len(page.documents) // max(held, 1)))
