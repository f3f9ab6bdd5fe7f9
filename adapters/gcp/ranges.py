"""Which items of a partition a query is about, as Firestore asks for them.

A document's name ends with its sort in hexadecimal digits, which keeps the order of the bytes, and that prefixes are
prefixes. So every bound is exact: Firestore returns what is wanted and nothing besides.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

_KEY_LIMIT: Final = 512
"""The most bytes that a part of a key has: bounds may be longer, and Firestore would refuse them."""

_ABOVE_DIGITS: Final = "g"


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound in hexadecimal digits; `inclusive`: it is itself within."""

    digits: str
    inclusive: bool


@dataclass(frozen=True, slots=True)
class Range:
    """The items of a partition between two bounds; None: there is no bound."""

    partition: str
    low: Bound | None
    high: Bound | None

    @property
    def empty(self) -> bool:
        """Whether no text at all is in it."""
        if self.high and not self.high.digits:
            return True
        if not self.low or not self.high:
            return False
        both = self.low.inclusive and self.high.inclusive
        return self.low.digits > self.high.digits or (self.low.digits == self.high.digits and not both)

    def beyond(self, digits: str, *, reverse: bool) -> "Range":
        """Return what of it comes after an item, by the digits of its sort."""
        bound = Bound(digits, inclusive=False)
        return replace(self, high=bound) if reverse else replace(self, low=bound)


def range_of(partition: str, *, prefix: str, after: str | None, before: str | None) -> Range:
    """Return the items whose sort starts with `prefix` and is > `after` and < `before`."""
    lows = [Bound(_digits(prefix), inclusive=True)] if prefix else []
    highs = [Bound(_digits(prefix) + _ABOVE_DIGITS, inclusive=False)] if prefix else []
    if after:
        lows.append(Bound(_clipped(after), inclusive=False))
    if before is not None:
        # What a bound was clipped to comes before it.
        highs.append(Bound(_clipped(before), inclusive=_clipped(before) != _digits(before)))
    if len(_digits(prefix)) > 2 * _KEY_LIMIT:
        highs.append(Bound("", inclusive=False))
    low = max(lows, key=lambda bound: (bound.digits, not bound.inclusive), default=None)
    high = min(highs, key=lambda bound: (bound.digits, bound.inclusive), default=None)
    return Range(partition, low, high)


def filters(wanted: Range, field: str, parent: str) -> list[dict[str, Any]]:
    """Return the conditions on `__name__` or on another field that has the digits."""
    bounds = [
        (wanted.low, "GREATER_THAN_OR_EQUAL", "GREATER_THAN"),
        (wanted.high, "LESS_THAN_OR_EQUAL", "LESS_THAN"),
    ]
    return [
        {
            "fieldFilter": {
                "field": {"fieldPath": field},
                "op": within if bound.inclusive else beside,
                "value": (
                    {"referenceValue": f"{parent}/{bound.digits}"}
                    if field == "__name__"
                    else {"stringValue": bound.digits}
                ),
            }
        }
        for bound, within, beside in bounds
        if bound
    ]


def _digits(text: str) -> str:
    return text.encode(errors="surrogatepass").hex()


def _clipped(text: str) -> str:
    """Return the digits of as much of a text as fits into a key: no key lies between the two."""
    return _digits(text)[: 2 * _KEY_LIMIT]
