"""The grammar of filters and orders, before anybody asks what its names mean.

    filter     = { clause | "AND" }
    clause     = identifier comparison value
               | identifier [ "NOT" ] "IN" list
               | identifier "IS" ( "NULL" | "NOT NULL" )
    identifier = name { "." name } [ direction ]
    value      = number | text | identifier | list

`AND` is all that joins, and MLflow does not mind where it stands or whether it is there. A name keeps its quotes here.
"""

from typing import Final, Literal

import msgspec

from loopwright.errors import InvalidInputError
from loopwright.tracking.search.lexer import Lexeme, lexemes

ValueKind = Literal["number", "text", "identifier", "list", "none"]

_MEMBERS: Final = frozenset({"name", "word", "text"})


class Comparison(msgspec.Struct, frozen=True):
    """A clause as it is written. `value` is raw, with quotes or parentheses; it is empty for IS NULL."""

    identifier: str
    comparator: str
    kind: ValueKind
    value: str


def read_filter(text: str) -> list[Comparison]:
    """Return the clauses of a filter.

    Raises:
        InvalidInputError: it is not of the grammar.
    """
    return _Reader(text, lexemes(text)).clauses()


def read_order(text: str) -> tuple[str, str]:
    """Return the identifier and the direction (as it is written, or empty) of one part of an order.

    Raises:
        InvalidInputError: it is not of the grammar.
    """
    return _Reader(text, lexemes(text)).order()


class _Reader:
    def __init__(self, text: str, words: list[Lexeme]) -> None:
        self._text = text
        self._words = words
        self._at = 0

    def clauses(self) -> list[Comparison]:
        found: list[Comparison] = []
        # sqlparse takes a name that follows a value for an alias of the value, unless a comparison goes on from it.
        behind_value = False
        while self._now.kind != "end":
            if self._is("AND"):
                self._at += 1
                behind_value = False
                continue
            clause = self._clause()
            by_keyword = clause.kind == "none" or clause.comparator.upper() in {"IN", "NOT IN"}
            if behind_value and by_keyword:
                raise self._refused(f"AND is missing before {clause.identifier} {clause.comparator}")
            behind_value = clause.kind != "none"
            found.append(clause)
        return found

    def order(self) -> tuple[str, str]:
        start = self._now
        identifier = self._name()
        # `metrics.5 DESC` sorts by the metric "5", though no filter can name it without quotes.
        number = ""
        if self._now.start == len(identifier):
            number = self._taken("number") or self._taken("hexadecimal")
        direction = self._taken("direction")
        if number and not direction:
            raise self._refused("wanted ASC or DESC behind a number, or quotes around it")
        if self._now.kind != "end" or start.start or len(self._text) != self._words[self._at - 1].end:
            raise self._refused("wanted a name, and ASC or DESC behind it if need be, without more around them")
        return identifier + number, direction

    @property
    def _now(self) -> Lexeme:
        return self._words[self._at]

    def _clause(self) -> Comparison:
        start = self._now.start
        identifier = self._name()
        while self._taken("direction"):
            identifier = self._text[start : self._words[self._at - 1].end]
        if comparator := self._taken("comparison"):
            return Comparison(identifier, comparator, *self._value())
        if self._is("IS"):
            self._at += 1
            return Comparison(identifier, self._null(), "none", "")
        negated = self._is("NOT")
        self._at += negated
        if self._now.kind == "reserved" and self._now.text.upper() == "IN":
            comparator = "NOT IN" if negated else self._now.text
            self._at += 1
            return Comparison(identifier, comparator, "list", self._list())
        raise self._refused(f"wanted a comparison behind {identifier}; OR and nested clauses are not MLflow's")

    def _null(self) -> str:
        word = self._now
        self._at += 1
        if word.kind == "not_null" and word.text.upper() == "NOT NULL":
            return "IS NOT NULL"
        if word.kind == "word" and word.text.upper() == "NULL":
            return "IS NULL"
        raise self._refused("wanted NULL or NOT NULL behind IS")

    def _value(self) -> tuple[ValueKind, str]:
        if number := self._taken("number"):
            return "number", number
        if text := self._taken("text"):
            return "text", text
        if self._now.text == "(":
            return "list", self._list()
        return "identifier", self._name()

    def _name(self) -> str:
        start = self._now
        if start.kind not in {"name", "word"} or start.text.upper() in {"NULL", "AND"}:
            raise self._refused(f"wanted a name instead of {start.text!r}" if start.text else "it ends too early")
        self._at += 1
        while self._now.text == ".":
            self._at += 1
            if self._now.kind in _MEMBERS or self._now.text == "*":
                self._at += 1
        return self._text[start.start : self._words[self._at - 1].end]

    def _list(self) -> str:
        start, depth = self._now.start, 0
        while self._now.kind != "end":
            depth += {"(": 1, ")": -1}.get(self._now.text, 0)
            self._at += 1
            if depth == 0:
                break
        end = self._words[self._at - 1]
        if depth or end.text != ")":
            raise self._refused("wanted a list such as ('a', 'b')")
        return self._text[start : end.end]

    def _is(self, word: str) -> bool:
        return self._now.kind == "word" and self._now.text.upper() == word

    def _taken(self, kind: str) -> str:
        if self._now.kind != kind:
            return ""
        self._at += 1
        return self._words[self._at - 1].text

    def _refused(self, why: str) -> InvalidInputError:
        return InvalidInputError(f"cannot read {self._text!r}: {why}")
