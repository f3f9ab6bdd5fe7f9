"""Words of a filter or an order. MLflow reads them with sqlparse, so its notion of a word is followed to the letter."""

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from loopwright.errors import InvalidInputError

Kind = Literal[
    "name", "word", "number", "hexadecimal", "text", "reserved", "not_null", "direction", "comparison", "mark", "end"
]

_LEXEME: Final = re.compile(
    r"""
    (?P<space>\s+)
    # What is quoted by backticks or double quotes is a name; single quotes make a value.
    | (?P<name>`(?:``|[^`])*`)
    | (?P<reserved>(?:CASE|IN|VALUES|USING|FROM|AS)\b)
    # Before and behind a dot any word is a name, be it a keyword elsewhere.
    | (?P<member>[A-ZÀ-Ü]\w*(?=\s*\.(?!\d)) | (?<=\.)[A-ZÀ-Ü]\w*)
    | (?P<refused>[A-ZÀ-Ü]\w*(?=\())
    | (?P<hexadecimal>-?0x[\dA-F]+)
    | (?P<number>-?\d+(?:\.\d+)?E-?\d+ | (?![_A-ZÀ-Ü])-?(?:\d+\.\d*|\.\d+|\d+)(?![_A-ZÀ-Ü]))
    | (?P<text>'(?:''|\\'|[^'])*')
    | (?P<symbol>"(?:""|\\"|[^"])*")
    | (?P<not_null>NOT\s+NULL\b)
    | (?P<direction>(?:ASC|DESC)(?:\s+NULLS\s+(?:FIRST|LAST))?\b)
    | (?P<comparison>(?:NOT\s+)?(?:LIKE|ILIKE|RLIKE)\b | [<>=~!]+)
    | (?P<word>\w[$\#\w]*)
    | (?P<mark>[().,*])
    """,
    re.IGNORECASE | re.VERBOSE,
)
_KINDS: Final[dict[str, Kind]] = {
    "name": "name",
    "member": "name",
    "symbol": "name",
    "word": "word",
    "number": "number",
    "hexadecimal": "hexadecimal",
    "text": "text",
    "reserved": "reserved",
    "not_null": "not_null",
    "direction": "direction",
    "comparison": "comparison",
    "mark": "mark",
}


class Lexeme(NamedTuple):
    """A word: what it is, how it is written, and where it starts and ends."""

    kind: Kind
    text: str
    start: int
    end: int


def lexemes(text: str) -> list[Lexeme]:
    """Return the words of a text and an end; spaces between them are dropped.

    Raises:
        InvalidInputError: there is something that no filter and no order has.
    """
    return [*_lexemes(text), Lexeme("end", "", len(text), len(text))]


def _lexemes(text: str) -> Iterator[Lexeme]:
    position = 0
    while position < len(text):
        found = _LEXEME.match(text, position)
        group = found.lastgroup if found is not None else None
        if found is None or group is None or group == "refused":
            raise InvalidInputError(f"cannot read {text!r}: unexpected {text[position : position + 20]!r}")
        position = found.end()
        if group != "space":
            yield Lexeme(_KINDS[group], found.group(), found.start(), position)
