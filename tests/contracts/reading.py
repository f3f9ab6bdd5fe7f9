"""What a test looks at of items."""

from collections.abc import Iterable

from loopwright.ports.table import Item


def sorts(items: Iterable[Item]) -> list[str]:
    return [item.key.sort for item in items]
