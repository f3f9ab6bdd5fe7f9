"""Items in dictionaries, one a partition."""

import threading
from collections.abc import Iterator, Mapping, Sequence

from typing_extensions import override

from adapters.items import Stored, after, check_key, check_part, check_writes, unconditional, unpack_item
from loopwright.clock import Clock
from loopwright.ports.table import Add, Delete, Expectation, Item, Key, Put, Table, Value, Version, Write


class MemoryTable(Table):
    """Items in dictionaries, for tests and as the reference."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._partitions: dict[str, dict[str, Stored]] = {}
        self._lock = threading.Lock()

    @override
    def get(self, key: Key) -> Item | None:
        return self.get_many([key])[0]

    @override
    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        for key in keys:
            check_key(key)
        now = self._clock()
        with self._lock:
            found = [self._live(key, now) for key in keys]
        return [unpack_item(key, stored) if stored else None for key, stored in zip(keys, found, strict=True)]

    @override
    def put(
        self, key: Key, value: Mapping[str, Value], *, expect: Expectation = None, expires: float | None = None
    ) -> int:
        (stored,) = self._write([Put(key, value, expect, expires)])
        return stored.version if stored else 0

    @override
    def put_many(self, puts: Sequence[Put]) -> None:
        for put in unconditional(puts):
            self._write([put])

    @override
    def delete(self, key: Key, *, expect: Version | None = None) -> None:
        self._write([Delete(key, expect)])

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
        now = self._clock()
        with self._lock:
            found = [
                (Key(partition, sort), stored)
                for sort, stored in self._partitions.get(partition, {}).items()
                if sort.startswith(prefix) and (after is None or sort > after) and (before is None or sort < before)
                if stored.expires is None or stored.expires >= now
            ]
        found.sort(key=lambda pair: pair[0].sort, reverse=reverse)
        return (unpack_item(key, stored) for key, stored in found[:limit])

    @override
    def add(self, key: Key, amounts: Mapping[str, int | float]) -> Mapping[str, Value]:
        (stored,) = self._write([Add(key, amounts)])
        return unpack_item(key, stored).value if stored else {}

    @override
    def transact(self, writes: Sequence[Write]) -> None:
        self._write(writes)

    def _write(self, writes: Sequence[Write]) -> list[Stored | None]:
        check_writes(writes)
        now = self._clock()
        with self._lock:
            outcomes = [after(write, self._live(write.key, now)) for write in writes]
            for write, stored in zip(writes, outcomes, strict=True):
                partition = self._partitions.setdefault(write.key.partition, {})
                if stored is None:
                    partition.pop(write.key.sort, None)
                else:
                    partition[write.key.sort] = stored
        return outcomes

    def _live(self, key: Key, now: float) -> Stored | None:
        stored = self._partitions.get(key.partition, {}).get(key.sort)
        return None if stored is None or (stored.expires is not None and stored.expires < now) else stored
