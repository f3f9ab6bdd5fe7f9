"""A table whose process dies at one of its writes: just before it, or when it is done and nobody has heard of it."""

from collections.abc import Iterator, Mapping, Sequence

from typing_extensions import override

from loopwright.ports.table import Expectation, Item, Key, Put, Table, Value, Version, Write


class Died(Exception):  # noqa: N818 - a death is no error of the code
    """The process is gone."""


class DyingTable(Table):
    """Passes everything on, but for one write."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.writes = 0
        self.dies_at = 0
        self.done = False

    def dies(self, write: int, *, done: bool) -> None:
        """Die at the n-th write from here (0: never), before it or after it."""
        self.writes, self.dies_at, self.done = 0, write, done

    @override
    def get(self, key: Key) -> Item | None:
        return self._table.get(key)

    @override
    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        return self._table.get_many(keys)

    @override
    def put(
        self, key: Key, value: Mapping[str, Value], *, expect: Expectation = None, expires: float | None = None
    ) -> int:
        self.transact([Put(key, value, expect, expires)])
        item = self._table.get(key)
        return item.version if item else 0

    @override
    def put_many(self, puts: Sequence[Put]) -> None:
        self._table.put_many(puts)

    @override
    def delete(self, key: Key, *, expect: Version | None = None) -> None:
        self._table.delete(key, expect=expect)

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
        return self._table.query(partition, prefix=prefix, after=after, before=before, limit=limit, reverse=reverse)

    @override
    def add(self, key: Key, amounts: Mapping[str, int | float]) -> Mapping[str, Value]:
        return self._table.add(key, amounts)

    @override
    def transact(self, writes: Sequence[Write]) -> None:
        self.writes += 1
        dies = self.writes == self.dies_at
        if dies and not self.done:
            raise Died
        self._table.transact(writes)
        if dies:
            raise Died
