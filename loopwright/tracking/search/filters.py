"""A filter: clauses that must all hold."""

import operator
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final, Literal, assert_never

import msgspec

from loopwright.tracking.search.patterns import ilike, like
from loopwright.tracking.search.things import Thing

Part = Literal["attribute", "metric", "param", "tag", "dataset"]

Comparator = Literal["=", "!=", "<", "<=", ">", ">=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL"]

Test = Callable[[Thing], bool]

_GREATEST: Final = sys.float_info.max

_OPERATORS: Final[Mapping[Comparator, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Clause(msgspec.Struct, frozen=True):
    """One comparison. A thing that has no such param, tag, metric or attribute fails it, whatever it is.

    Only IS NULL asks for those without. Of several data sets one must pass.
    """

    part: Part
    key: str
    comparator: Comparator
    value: str | float | tuple[str, ...] | None

    def test(self) -> Test:
        """Return the test whether a thing passes."""
        key, passes = self.key, _test_of(self.comparator, self.value)
        match self.part:
            case "attribute":
                return lambda thing: (found := thing.attribute(key)) is not None and passes(found)
            case "metric":
                return _metric_test(self, passes)
            case "param":
                return _entry_test(lambda thing: thing.params, self)
            case "tag":
                return _entry_test(lambda thing: thing.tags, self)
            case "dataset":
                asked = operator.attrgetter(key)
                return lambda thing: any(passes(asked(one)) for one in thing.datasets)
            case _:
                assert_never(self.part)


class Filter(msgspec.Struct, frozen=True, dict=True):
    """Clauses that must all hold; none: everything passes."""

    clauses: tuple[Clause, ...] = ()

    @cached_property
    def _tests(self) -> tuple[Test, ...]:
        return tuple(clause.test() for clause in self.clauses)

    def accepts(self, thing: Thing) -> bool:
        """Say whether a thing passes."""
        # A loop: `all` of a generator takes twice as long, and there may be 100,000 things.
        for test in self._tests:  # noqa: SIM110
            if not test(thing):
                return False
        return True


def _metric_test(clause: Clause, passes: Callable[[float], bool]) -> Test:
    key = clause.key
    if isinstance(clause.value, float) and abs(clause.value) >= _GREATEST:
        # MLflow keeps an infinite metric as the greatest number that there is.
        return lambda thing: any(passes(min(max(value, -_GREATEST), _GREATEST)) for value in thing.metric(key))

    def test(thing: Thing) -> bool:
        for value in thing.metric(key):  # noqa: SIM110 - see `accepts`
            if passes(value):
                return True
        return False

    return test


def _entry_test(entries: Callable[[Thing], Mapping[str, str]], clause: Clause) -> Test:
    key = clause.key
    match clause.comparator:
        case "IS NULL":
            return lambda thing: key not in entries(thing)
        case "IS NOT NULL":
            return lambda thing: key in entries(thing)
        case _:
            passes = _test_of(clause.comparator, clause.value)
            return lambda thing: (found := entries(thing).get(key)) is not None and passes(found)


def _test_of(comparator: Comparator, value: str | float | tuple[str, ...] | None) -> Callable[[Any], bool]:
    match comparator, value:
        case "LIKE", str():
            return like(value)
        case "ILIKE", str():
            return ilike(value)
        case "IN", tuple():
            return frozenset(value).__contains__
        case "NOT IN", tuple():
            listed = frozenset(value)
            return lambda found: found not in listed
        case _:
            compare = _OPERATORS.get(comparator, operator.is_)
            return lambda found: compare(found, value)
