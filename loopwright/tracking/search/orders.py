"""An order: what things are sorted by, and from where the next page goes on."""

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

import msgspec

from loopwright.tracking.search.filters import Part
from loopwright.tracking.search.things import Thing

Ranked = tuple[Any, ...]
"""A place in an order; places compare as the things at them do."""

_PRESENT: Final = 0
_NAN: Final = 1
_MISSING: Final = 2


class Term(msgspec.Struct, frozen=True):
    """One thing to sort by. Things without it come last, those whose metric is NaN before them; either way round."""

    part: Part
    key: str
    ascending: bool = True


class Order(msgspec.Struct, frozen=True, dict=True):
    """Terms, the most important first; the last ones leave no two things at one place."""

    terms: tuple[Term, ...]

    @cached_property
    def _ranks(self) -> tuple[Callable[[Thing], Ranked], ...]:
        return tuple(_ranking(term) for term in self.terms)

    def place(self, thing: Thing) -> Ranked:
        """Return the thing's place."""
        return tuple([part for rank in self._ranks for part in rank(thing)])

    def told(self, place: Ranked) -> list[str | float | None]:
        """Return a place as plain values, in the way that `place_of` reads."""
        return [part.value if isinstance(part, _Falling) else part for part in place]

    def place_of(self, told: list[str | float | None]) -> Ranked | None:
        """Return the place that these plain values tell, or None if they tell none of this order."""
        if len(told) != 2 * len(self.terms):
            return None
        place: list[object] = []
        for term, rank, value in zip(self.terms, told[::2], told[1::2], strict=True):
            if rank not in {_PRESENT, _NAN, _MISSING} or value is None:
                return None
            falls = isinstance(value, str) and not term.ascending
            place += [rank, _Falling(value) if falls else value]
        return tuple(place)


class _Falling(msgspec.Struct, frozen=True):
    """Text that is sorted from the end of the alphabet."""

    value: Any

    def __lt__(self, other: "_Falling") -> bool:
        return bool(other.value < self.value)

    def __gt__(self, other: "_Falling") -> bool:
        return bool(other.value > self.value)


def _ranking(term: Term) -> Callable[[Thing], Ranked]:
    find = _finding(term)
    ascending = term.ascending

    def rank(thing: Thing) -> Ranked:
        value = find(thing)
        if value is None:
            return _MISSING, 0
        if isinstance(value, str):
            return _PRESENT, value if ascending else _Falling(value)
        if math.isnan(value):
            return _NAN, 0
        return _PRESENT, value if ascending else -value

    return rank


def _finding(term: Term) -> Callable[[Thing], str | float | None]:
    key = term.key
    match term.part:
        case "metric":
            return lambda thing: next(iter(thing.metric(key)), None)
        case "param":
            return lambda thing: thing.params.get(key)
        case "tag":
            return lambda thing: thing.tags.get(key)
        case _:
            return lambda thing: thing.attribute(key)
