"""The registry's values as a table's items."""

from typing import TypeVar

import msgspec

from loopwright.ports.table import Item, Value

Kept = TypeVar("Kept")


def content(value: object) -> dict[str, Value]:
    """Return one of the registry's values as an item's content."""
    fields: dict[str, Value] = msgspec.to_builtins(value)
    return fields


def kept(item: Item, kind: type[Kept]) -> Kept:
    """Return the value that an item holds; what a later release added to it is ignored."""
    return msgspec.convert(dict(item.value), kind)
