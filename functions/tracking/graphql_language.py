"""The part of GraphQL's language that queries are written in: one document into operations and what they select.

Read are operations with variables, fields with aliases and arguments, fragments by name and inline, and directives,
which are passed over.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from functions.tracking.graphql_document import Document, GraphqlError, Operation, Selected, Spread, Variable

DEPTH: Final = 10
"""How deep selections may be nested."""

_WORD: Final = re.compile(
    r"""(?P<skip>[\s,\ufeff]+|\#[^\n\r]*)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<text>"(?:[^"\\\n]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*")
      | (?P<mark>\.\.\.|[!$()\[\]{}:=@|&])""",
    re.VERBOSE | re.ASCII,
)
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_CONSTANTS: Final[Mapping[str, object]] = {"true": True, "false": False, "null": None}
_END: Final = ""


def parse(text: str) -> Document:
    """Return the document.

    Raises:
        GraphqlError: it is none, or nested too deep; the message says where.
    """
    return _Reader(text).document()


class _Reader:
    def __init__(self, text: str) -> None:
        self._words = _words(text)
        self._at = 0

    def document(self) -> Document:
        operations: list[Operation] = []
        fragments: dict[str, Sequence[Selected | Spread]] = {}
        while self._next != _END:
            if self._next == "fragment":
                self._take()
                name = self._name()
                self._expect("on")
                self._name()
                self._directives()
                fragments[name] = self._fields(1)
            else:
                operations.append(self._operation())
        if not operations:
            raise GraphqlError("Must provide an operation.")
        return Document(operations, fragments)

    def _operation(self) -> Operation:
        if self._next == "{":
            return Operation("query", "", self._fields(1), {}, {})
        kind = self._take()
        if kind not in ("query", "mutation"):
            raise GraphqlError(f"Syntax Error: Unexpected {kind!r}.")
        name = self._name() if _is_name(self._next) else ""
        required, defaults = self._variables()
        self._directives()
        return Operation(kind, name, self._fields(1), required, defaults)

    def _variables(self) -> tuple[Mapping[str, str], Mapping[str, object]]:
        required: dict[str, str] = {}
        defaults: dict[str, object] = {}
        if self._next != "(":
            return required, defaults
        self._take()
        while self._next != ")":
            self._expect("$")
            name = self._name()
            self._expect(":")
            kind = self._type()
            if self._next == "=":
                self._take()
                defaults[name] = self._value()
            elif kind.endswith("!"):
                required[name] = kind
            self._directives()
        self._take()
        return required, defaults

    def _type(self) -> str:
        if self._next == "[":
            self._take()
            inner = f"[{self._type()}"
            self._expect("]")
            kind = f"{inner}]"
        else:
            kind = self._name()
        if self._next == "!":
            kind += self._take()
        return kind

    def _fields(self, depth: int) -> Sequence[Selected | Spread]:
        if depth > DEPTH:
            raise GraphqlError(f"Query exceeds maximum depth of {DEPTH}")
        self._expect("{")
        # At least one field: fragments of nothing could be spread without end.
        found = [self._one(depth)]
        while self._next != "}":
            found.append(self._one(depth))
        self._take()
        return found

    def _one(self, depth: int) -> Selected | Spread:
        return self._spread(depth) if self._next == "..." else self._field(depth)

    def _field(self, depth: int) -> Selected:
        answered = name = self._name()
        if self._next == ":":
            self._take()
            name = self._name()
        arguments: Mapping[str, object] = {}
        if self._next == "(":
            self._take()
            arguments = self._members(")")
        self._directives()
        fields = self._fields(depth + 1) if self._next == "{" else ()
        return Selected(name, answered, arguments, fields)

    def _spread(self, depth: int) -> Spread:
        self._take()
        if _is_name(self._next) and self._next != "on":
            name = self._name()
            self._directives()
            return Spread(name)
        if self._next == "on":
            self._take()
            self._name()
        self._directives()
        return Spread("", self._fields(depth))

    def _directives(self) -> None:
        while self._next == "@":
            self._take()
            self._name()
            if self._next == "(":
                self._take()
                self._members(")")

    def _members(self, end: str) -> Mapping[str, object]:
        found: dict[str, object] = {}
        while self._next != end:
            name = self._name()
            self._expect(":")
            found[name] = self._value()
        self._take()
        return found

    def _value(self) -> object:
        word = self._take()
        if word == "$":
            return Variable(self._name())
        if word == "[":
            values: list[object] = []
            while self._next != "]":
                values.append(self._value())
            self._take()
            return values
        if word == "{":
            return self._members("}")
        if word.startswith('"'):
            return re.sub(r"\\(u[0-9A-Fa-f]{4}|.)", _escaped, word[1:-1])
        if _is_name(word):
            return _CONSTANTS.get(word, word)
        if word[:1] in "-0123456789" and word:
            return float(word) if re.search(r"[.eE]", word) else int(word)
        raise GraphqlError(_unexpected(word))

    @property
    def _next(self) -> str:
        return self._words[self._at]

    def _take(self) -> str:
        word = self._words[self._at]
        if word != _END:
            self._at += 1
        return word

    def _name(self) -> str:
        word = self._take()
        if not _is_name(word):
            raise GraphqlError(_unexpected(word))
        return word

    def _expect(self, wanted: str) -> None:
        word = self._take()
        if word != wanted:
            raise GraphqlError(f"{_unexpected(word)[:-1]}, expected {wanted!r}.")


def _words(text: str) -> Sequence[str]:
    found: list[str] = []
    at = 0
    while at < len(text):
        word = _WORD.match(text, at)
        if word is None:
            raise GraphqlError(f"Syntax Error: Unexpected character {text[at]!r} at {at}.")
        if word.lastgroup != "skip":
            found.append(word[0])
        at = word.end()
    return [*found, _END]


def _is_name(word: str) -> bool:
    return word[:1].isalpha() or word[:1] == "_"


def _unexpected(word: str) -> str:
    return f"Syntax Error: Unexpected {word!r}." if word else "Syntax Error: Unexpected <EOF>."


def _escaped(found: re.Match[str]) -> str:
    letter = found[1]
    return chr(int(letter[1:], 16)) if letter[0] == "u" else _ESCAPES.get(letter, letter)
