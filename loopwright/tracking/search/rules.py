"""What the names in a filter or an order mean, and which comparisons they take: the rules that a schema is made of."""

from collections.abc import Callable, Mapping
from typing import Final, cast

import msgspec

from loopwright.errors import InvalidInputError
from loopwright.tracking.search.filters import Clause, Comparator, Part
from loopwright.tracking.search.grammar import Comparison, read_order
from loopwright.tracking.search.orders import Term

NUMERIC: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})
TEXTUAL: Final = frozenset({"=", "!=", "LIKE", "ILIKE"})
LISTED: Final = frozenset({"IN", "NOT IN"})

_DATASET_FIELDS: Final = ("name", "digest", "context")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one kind of things.

    Attributes:
        parts: what stands before the first dot, and which part of a thing it means.
        texts: attributes that are text: as they are written, and the thing's name for them.
        numbers: attributes that are numbers, likewise.
        whole: whether these numbers are compared with whole ones only.
        numbers_in_quotes: whether quotes may stand around such a number.
        lists: attributes that may be IN a list.
        only_lists: attributes that are compared for equality and with lists, never by a pattern.
        nullable: parts of which IS NULL may ask.
        quoted: whether the name of an attribute may be quoted, and that of a part too.
        any_case: whether `like` and `in` are understood like LIKE and IN.
        orders: attributes to sort by, as `texts`.
        sorted_parts: further parts to sort by.
    """

    parts: Mapping[str, Part]
    texts: Mapping[str, str]
    numbers: Mapping[str, str]
    lists: frozenset[str]
    orders: Mapping[str, str]
    whole: bool = True
    numbers_in_quotes: bool = False
    only_lists: frozenset[str] = frozenset()
    nullable: frozenset[Part] = frozenset()
    quoted: bool = True
    any_case: bool = True
    sorted_parts: frozenset[Part] = frozenset()

    def clause(self, written: Comparison) -> Clause:
        """Return what a comparison means, or raise `InvalidInputError`."""
        part, key = self._resolved(written.identifier, {**self.texts, **self.numbers})
        comparator = written.comparator.upper() if self.any_case else written.comparator
        if part == "metric":
            return _clause(written, part, key, comparator, NUMERIC, number)
        if part == "attribute" and key in self.numbers.values():
            return _clause(written, part, key, comparator, NUMERIC, self._count)
        if comparator in {"IS NULL", "IS NOT NULL"}:
            if part not in self.nullable:
                raise refused(written, f"IS NULL is asked of {' and '.join(sorted(self.nullable)) or 'nothing here'}")
            return Clause(part, key, cast("Comparator", comparator), None)
        if written.kind == "list" or comparator in LISTED:
            if part != "dataset" and (part != "attribute" or key not in self.lists):
                raise refused(written, f"only {', '.join(sorted(self.lists))} can be compared with a list")
            return _clause(written, part, key, comparator, LISTED, texts)
        known = NUMERIC & TEXTUAL if key in self.only_lists and part == "attribute" else TEXTUAL
        return _clause(written, part, key, comparator, known, text)

    def term(self, written: str) -> Term:
        """Return what one part of an order means, or raise `InvalidInputError`."""
        name, direction = read_order(written)
        if direction and direction.lower() not in {"asc", "desc"}:
            raise InvalidInputError(f"cannot order by {written!r}: wanted ASC or DESC instead of {direction}")
        plain = _unshelled(name)
        part, key = self._resolved(plain if direction else name, self.orders)
        if part != "attribute" and part not in self.sorted_parts:
            raise InvalidInputError(f"cannot order by {written!r}: use {', '.join(sorted(self.orders))}")
        return Term(part, key, direction.lower() != "desc")

    def _resolved(self, identifier: str, attributes: Mapping[str, str]) -> tuple[Part, str]:
        prefix, dot, rest = identifier.partition(".")
        key, part = (rest, self._part(prefix)) if dot else (prefix, "attribute")
        if part == "attribute":
            plain = unquoted(key) if self.quoted else key
            if plain not in attributes:
                raise InvalidInputError(f"there is no attribute {plain!r} here: use {', '.join(sorted(attributes))}")
            return part, attributes[plain]
        key = unquoted(key)
        if part == "dataset" and key not in _DATASET_FIELDS:
            raise InvalidInputError(f"a data set has no {key!r} to ask for: use {', '.join(_DATASET_FIELDS)}")
        return part, key

    def _part(self, prefix: str) -> Part:
        # Only runs know backticks here.
        name = prefix[1:-1] if "dataset" in self.parts and _is_quoted(prefix, "`") else prefix
        if name not in self.parts:
            raise InvalidInputError(f"nothing here has {name!r}: use {', '.join(sorted(self.parts))}")
        return self.parts[name]

    def _count(self, written: Comparison) -> float:
        if not self.whole:
            return number(written)
        if written.kind != "number" and not self.numbers_in_quotes:
            raise refused(written, f"wanted a number instead of {written.value}")
        digits = written.value if written.kind == "number" else text(written)
        try:
            return int(digits)
        except ValueError:
            raise refused(written, f"it is compared with whole numbers, not with {written.value}") from None


def _clause(
    written: Comparison,
    part: Part,
    key: str,
    comparator: str,
    known: frozenset[str],
    value: Callable[[Comparison], str | float | tuple[str, ...]],
) -> Clause:
    if comparator not in known:
        raise refused(written, f"{comparator} is not among {', '.join(sorted(known))}")
    return Clause(part, key, cast("Comparator", comparator), value(written))


def number(written: Comparison) -> float:
    """Return the number that is compared with, or raise `InvalidInputError` if it is none."""
    if written.kind != "number":
        raise refused(written, f"wanted a number instead of {written.value}")
    return float(written.value)


def text(written: Comparison) -> str:
    """Return the text that is compared with, without its quotes, or raise `InvalidInputError` if it has none."""
    if written.kind in {"text", "identifier"} and (_is_quoted(written.value, "'") or _is_quoted(written.value, '"')):
        return written.value[1:-1]
    raise refused(written, f"wanted a text in quotes instead of {written.value}")


def texts(written: Comparison) -> tuple[str, ...]:
    """Return the texts of a list, or raise `InvalidInputError`. As in MLflow it is one as Python writes it."""
    # Imported here: it takes longer than most searches, and few have lists.
    import ast  # noqa: PLC0415

    try:
        found = ast.literal_eval(written.value)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        raise refused(written, f"wanted a list such as ('a', 'b') instead of {written.value}") from None
    listed = found if isinstance(found, tuple) else (found,)
    if not listed or not all(isinstance(one, str) for one in listed):
        raise refused(written, f"wanted a list of one text or more instead of {written.value}")
    return listed


def refused(written: Comparison, why: str) -> InvalidInputError:
    """Return the error about a comparison."""
    said = " ".join(part for part in (written.identifier, written.comparator, written.value) if part)
    return InvalidInputError(f"cannot filter by {said}: {why}")


def unquoted(key: str) -> str:
    """Return a key without its quotes and then its backticks."""
    for quotes in (("'", '"'), ("`",)):
        if any(_is_quoted(key, quote) for quote in quotes):
            key = key[1:-1]
    return key


def _is_quoted(written: str, quote: str) -> bool:
    return len(written) > 1 and written[0] == written[-1] == quote


def _unshelled(name: str) -> str:
    """Return a name without quotes inside, as MLflow has a shell's rules read it where a direction follows."""
    if not any(mark in name for mark in "`'\"\\ \t\r\n"):
        return name
    import shlex  # noqa: PLC0415

    try:
        parts = shlex.split(name.replace("`", '"'))
    except ValueError as error:
        raise InvalidInputError(f"cannot order by {name!r}: {error}") from error
    if len(parts) != 1:
        raise InvalidInputError(f"cannot order by {name!r}: quote a name that has spaces")
    return parts[0].strip()
