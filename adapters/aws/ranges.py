"""Which items of a partition a query is about, as DynamoDB asks for them."""

import sys
from dataclasses import dataclass
from typing import Any, Final

_KEY_LIMIT: Final = 512
"""The most bytes that a part of a key has: bounds may be longer, and DynamoDB would refuse them."""

_HIGHEST: Final = chr(sys.maxunicode)
_HIGHEST_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class Range:
    """The items whose sort starts with `prefix` and is > `after` and < `before`.

    DynamoDB takes one condition on a sort key, which includes its bounds: `low` and `high` include all the items that
    are wanted, and `has` drops the others. It orders text by its bytes in UTF-8, which is the order of code points.
    """

    partition: str
    prefix: str
    after: str | None
    before: str | None

    def has(self, sort: str) -> bool:
        """Return whether an item with this sort is wanted."""
        return (
            sort.startswith(self.prefix)
            and (self.after is None or sort > self.after)
            and (self.before is None or sort < self.before)
        )

    @property
    def empty(self) -> bool:
        """Whether no text at all is in it."""
        return self.high == "" or (self.high is not None and self.low > self.high)

    @property
    def low(self) -> str:
        """No sort that is wanted is below this; empty: there is no bound."""
        return _clipped(max(self.prefix, self.after or ""))

    @property
    def high(self) -> str | None:
        """No sort that is wanted is above this; None: there is no bound."""
        bounds = [] if self.before is None else [_capped(self.before)]
        if self.prefix:
            bounds.append(_topped(self.prefix))
        return min(bounds, default=None)

    @property
    def condition(self) -> str:
        """The condition on the key."""
        match self.low, self.high:
            case "", None:
                return "pk = :pk"
            case "", _:
                return "pk = :pk AND sk <= :high"
            case _, None:
                return "pk = :pk AND sk >= :low"
            case _:
                return "pk = :pk AND sk BETWEEN :low AND :high"

    @property
    def values(self) -> dict[str, Any]:
        """What the names in the condition stand for."""
        bounds = {":low": self.low, ":high": self.high}
        return {":pk": {"S": self.partition}, **{name: {"S": bound} for name, bound in bounds.items() if bound}}


def _clipped(text: str) -> str:
    """Return as much of a text as fits into a key."""
    return text.encode()[:_KEY_LIMIT].decode(errors="ignore")


def _capped(text: str) -> str:
    """Return a text that no key lies between it and `text`, and that is short enough."""
    clipped = _clipped(text)
    return text if clipped == text else clipped + _HIGHEST


def _topped(prefix: str) -> str:
    """Return what no key with this prefix is above."""
    clipped = _clipped(prefix)
    return clipped + _HIGHEST * ((_KEY_LIMIT - len(clipped.encode())) // _HIGHEST_BYTES + 1)
