"""LIKE and ILIKE as SQLite has them under MLflow: `%` is any text, `_` one character, nothing escapes them."""

import re
import string
from collections.abc import Callable
from typing import Final

_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def like(pattern: str) -> Callable[[str], bool]:
    """Return the test whether a whole text is like the pattern, its case included."""
    first, *others = pattern.split("%")
    head = _piece(first)
    if not others:
        return lambda text: head.fullmatch(text) is not None
    *middle, last = others
    pieces = [_piece(one) for one in middle if one]
    tail = _piece(last)

    def alike(text: str) -> bool:
        # Piece by piece, each where it fits first: no pattern makes this slower than its length times the text's.
        found = head.match(text)
        for piece in pieces:
            found = found and piece.search(text, found.end())
        start = len(text) - len(last)
        return found is not None and start >= found.end() and tail.match(text, start) is not None

    return alike


def ilike(pattern: str) -> Callable[[str], bool]:
    """Return the test whether a text is like the pattern, whatever the case of its ASCII letters."""
    test = like(_lowered(pattern))
    return lambda text: test(_lowered(text))


def _piece(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace("_", "."), re.DOTALL)


def _lowered(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)
