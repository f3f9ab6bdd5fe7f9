"""Items in one DynamoDB table, and in blobs those that are too large for it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

from typing_extensions import override

from adapters.aws.api import Api
from adapters.aws.ranges import Range
from adapters.aws.rows import Rows
from adapters.aws.writes import Writes
from adapters.items import check_key, check_part, check_writes, item_of, pack, unconditional, unpack_item
from adapters.overflow import Overflow, Row
from loopwright.clock import Clock
from loopwright.errors import NotFoundError, UnavailableError
from loopwright.ports.blobs import Blobs
from loopwright.ports.table import Add, Delete, Expectation, Item, Key, Put, Table, Value, Version, Write

_LARGEST: Final = 350_000
"""The most bytes of a value that an item has itself: DynamoDB takes 400 KB with names and keys."""

_LARGEST_TOGETHER: Final = 3_500_000
"""The most bytes of values in one transaction: DynamoDB takes 4 MB with names and keys."""

_WRITERS: Final = 8
_LOOKS: Final = 20
_PAGE: Final = 1_000
"""The most items that are asked for at once where a limit is given."""


class DynamoTable(Table):
    """Items in one DynamoDB table.

    What one call writes is there as a whole or not at all. On AWS a call that reads several items may meet a
    transaction of others half-way: each item is the newest, but not all of them are of the same moment.
    """

    def __init__(
        self,
        api: Api,
        table_name: str,
        overflow: Blobs,
        clock: Clock,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open a table; `overflow` has the values that are too large for an item, and nothing else."""
        self._clock = clock
        self._overflow = Overflow(overflow, largest=_LARGEST, largest_together=_LARGEST_TOGETHER)
        self._rows = Rows(api, table_name, sleep)
        self._writes = Writes(self._rows, self._overflow, clock)

    @override
    def get(self, key: Key) -> Item | None:
        return self.get_many([key])[0]

    @override
    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        for key in keys:
            check_key(key)
        found = self._rows.read(keys) if keys else {}
        now = self._clock()
        return [self._item(key, found.get(key), now) for key in keys]

    @override
    def put(
        self, key: Key, value: Mapping[str, Value], *, expect: Expectation = None, expires: float | None = None
    ) -> int:
        put = Put(key, value, expect, expires)
        check_key(key)
        if expect is None:
            return self._writes.replace(put, pack(key, value))
        (stored,) = self._writes.write([put])
        return stored.version if stored else 0

    @override
    def put_many(self, puts: Sequence[Put]) -> None:
        # Puts of one key stay in their order; so each key is one worker's.
        packed: dict[Key, list[tuple[Put, bytes]]] = {}
        for put in unconditional(puts):
            packed.setdefault(put.key, []).append((put, pack(put.key, put.value)))
        if not packed:
            return
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - bulk loads only

        with ThreadPoolExecutor(min(_WRITERS, len(packed))) as pool:
            for _ in pool.map(self._replace, packed.values()):
                pass

    @override
    def delete(self, key: Key, *, expect: Version | None = None) -> None:
        check_key(key)
        if expect is not None or not self._writes.remove(key):
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
        return self._found(Range(partition, prefix, after, before), limit, reverse=reverse)

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
        rows = self._live(Range(partition, prefix, after, before), limit, reverse=reverse, values=False)
        return islice(((key.sort, row.version) for key, row in rows), limit)

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

    def _replace(self, puts: Sequence[tuple[Put, bytes]]) -> None:
        for put, packed in puts:
            self._writes.replace(put, packed)

    def _found(self, wanted: Range, limit: int | None, *, reverse: bool) -> Iterator[Item]:
        rows = self._live(wanted, limit, reverse=reverse, values=True)
        # It may be that one of them has gone since.
        return islice((item for key, row in rows if (item := self._item(key, row, self._clock()))), limit)

    def _live(self, wanted: Range, limit: int | None, *, reverse: bool, values: bool) -> Iterator[tuple[Key, Row]]:
        if wanted.empty or limit == 0:
            return
        # One more than asked for: a bound may be among them.
        size = None if limit is None else min(limit + 1, _PAGE)
        for page in self._rows.pages(wanted, size=size, reverse=reverse, values=values):
            now = self._clock()
            for key, row in page:
                if row.live(now):
                    yield key, row

    def _item(self, key: Key, row: Row | None, now: float) -> Item | None:
        """Return the item as its readers see it, None where there is none or it has expired."""
        for attempt in range(_LOOKS):
            if row is None or not row.live(now):
                return None
            try:
                return item_of(key, self._overflow.value(row), row.version)
            except NotFoundError:
                # It has just been replaced.
                self._rows.pause(attempt)
                row = self._rows.read([key]).get(key)
        raise UnavailableError(f"{key}: its value is replaced faster than it can be read: try again")
