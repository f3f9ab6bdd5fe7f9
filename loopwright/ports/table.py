"""Small items under (partition, sort): the registry, tracking, online features, windows, ledgers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from loopwright.ports.blobs import ABSENT, Absent

Value = None | bool | int | float | str | bytes | list["Value"] | dict[str, "Value"]
"""What an item may hold. Floats are finite: encode NaN and infinity yourself."""

TRANSACT_LIMIT: Final = 100
"""The most writes that one transaction may hold, on every provider."""


class Key(msgspec.Struct, frozen=True, order=True):
    """An item's place: items of one partition are ordered by `sort`, by code point."""

    partition: str
    sort: str


class Item(msgspec.Struct, frozen=True):
    """An item as it was read; `version` counts its writes from 1 and never repeats while the item lives."""

    key: Key
    value: Mapping[str, Value]
    version: int


class Version(msgspec.Struct, frozen=True):
    """Expect the item to be there at exactly this version."""

    number: int


Expectation = Absent | Version | None
"""None: whatever is there."""


class Put(msgspec.Struct, frozen=True):
    """Write a whole item. `expires` is the moment after which it may no longer be read."""

    key: Key
    value: Mapping[str, Value]
    expect: Expectation = None
    expires: float | None = None


class Delete(msgspec.Struct, frozen=True):
    """Remove an item; removing what is not there is no error unless a version is expected."""

    key: Key
    expect: Version | None = None


class Check(msgspec.Struct, frozen=True):
    """Write nothing, but let the transaction fail unless the expectation holds."""

    key: Key
    expect: Absent | Version


class Add(msgspec.Struct, frozen=True):
    """Add to numeric fields of an item, atomically; a missing item or field counts as 0. Other fields stay."""

    key: Key
    amounts: Mapping[str, int | float] = msgspec.field(default_factory=dict)


Write = Put | Delete | Check | Add


class Table(Protocol):
    """Items of up to a megabyte under (partition, sort), strongly consistent.

    Partition and sort are 1 to 512 bytes of text without control characters. An expired item is never returned; it
    counts as absent for every expectation. An adapter splits what its provider limits (item size, batch size).
    """

    def get(self, key: Key) -> Item | None:
        """Return the item, or None where there is none."""
        ...

    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        """Return the items in the order of `keys`, None where there is none. Any number of keys, repeats allowed."""
        ...

    def put(
        self, key: Key, value: Mapping[str, Value], *, expect: Expectation = None, expires: float | None = None
    ) -> int:
        """Write the item whole and return its new version.

        Raises:
            ConflictError: the expectation does not hold; nothing was written.
        """
        ...

    def put_many(self, puts: Sequence[Put]) -> None:
        """Write many items, each atomically, all together not: for bulk loads that are repeated when they fail.

        Raises:
            InvalidInputError: a put has an expectation.
        """
        ...

    def delete(self, key: Key, *, expect: Version | None = None) -> None:
        """Remove the item; do nothing when it is not there.

        Raises:
            ConflictError: a version was expected and is not there; nothing was removed.
        """
        ...

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
        """Yield a partition's items in the order of `sort` (or from the end with `reverse`).

        Only those whose sort starts with `prefix` and is > `after` and < `before`, and `limit` of them at the most.
        """
        ...

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
        """Yield the sort and the version of each item that the same `query` yields, for those who know its value.

        An adapter that finds them no faster than the values leaves this as it is.
        """
        found = self.query(partition, prefix=prefix, after=after, before=before, limit=limit, reverse=reverse)
        return ((item.key.sort, item.version) for item in found)

    def add(self, key: Key, amounts: Mapping[str, int | float]) -> Mapping[str, Value]:
        """Add to numeric fields atomically and return the whole item as it is then; see `Add`."""
        ...

    def transact(self, writes: Sequence[Write]) -> None:
        """Do all of the writes or none, isolated from every other write.

        Only where `Capabilities.isolated_reads` is true does a read of several items never fall into the middle of it.

        Raises:
            ConflictError: an expectation does not hold; the message names its key; nothing was written.
            InvalidInputError: more than `TRANSACT_LIMIT` writes, or two for one key.
        """
        ...


__all__ = [
    "ABSENT",
    "TRANSACT_LIMIT",
    "Absent",
    "Add",
    "Check",
    "Delete",
    "Expectation",
    "Item",
    "Key",
    "Put",
    "Table",
    "Value",
    "Version",
    "Write",
]
