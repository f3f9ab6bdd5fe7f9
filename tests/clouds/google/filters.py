"""Filters of Pub/Sub's subscriptions, which Google's emulator stores and does not obey.

Source: "Filter messages from a subscription", Google Cloud documentation: comparisons of attributes by `=` and `!=`,
`attributes:key`, `hasPrefix(attributes.key, "…")`, `NOT` (or `-`), `AND`, `OR`, parentheses; `AND` and `OR` beside each
other want parentheses.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final

Filter = Callable[[Mapping[str, str]], bool]
"""Whether a message with these attributes matches."""

LIMIT: Final = 256
"""The most bytes of a filter."""

_TOKEN: Final = re.compile(r'\s*("(?:[^"\\]|\\.)*"|!=|[=:.,()-]|[A-Za-z_][A-Za-z0-9_]*)')


def parsed(text: str) -> Filter:
    """Return what a filter wants; an empty one wants everything.

    Raises:
        ValueError: Pub/Sub would refuse it, too.
    """
    if len(text.encode()) > LIMIT:
        raise ValueError(f"a filter has {len(text.encode())} bytes; {LIMIT} is the most")
    if not text.strip():
        return lambda _: True
    reader = _Reader(_tokens(text))
    found = reader.whole()
    if reader.left:
        raise ValueError(f"filter {text!r}: what should {reader.left[0]!r} mean there?")
    return found


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"filter {text!r}: cannot read it from {text[at:]!r}")
        tokens.append(found[1])
        at = found.end()
    return tokens


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.left = tokens

    def whole(self) -> Filter:
        first = self.term()
        operator = self.left[0] if self.left else ""
        if operator not in {"AND", "OR"}:
            return first
        parts = [first]
        while self.left and self.left[0] == operator:
            self.left.pop(0)
            parts.append(self.term())
        if self.left and self.left[0] in {"AND", "OR"}:
            raise ValueError("a filter has AND and OR beside each other: put parentheses")
        every = all if operator == "AND" else any
        return lambda attributes: every(part(attributes) for part in parts)

    def term(self) -> Filter:
        match self.taken():
            case "NOT" | "-":
                inner = self.term()
                return lambda attributes: not inner(attributes)
            case "(":
                inner = self.whole()
                self.want(")")
                return inner
            case "hasPrefix":
                self.want("(")
                self.want("attributes")
                self.want(".")
                key = self.key()
                self.want(",")
                prefix = self.text()
                self.want(")")
                return lambda attributes: attributes.get(key, "").startswith(prefix) and key in attributes
            case "attributes":
                return self.comparison()
            case other:
                raise ValueError(f"a filter has {other!r} where a condition should be")

    def comparison(self) -> Filter:
        separator = self.taken()
        key = self.key()
        if separator == ":":
            return lambda attributes: key in attributes
        if separator != ".":
            raise ValueError(f"a filter has {separator!r} behind `attributes`")
        operator, value = self.taken(), self.text()
        match operator:
            case "=":
                return lambda attributes: attributes.get(key) == value
            case "!=":
                return lambda attributes: attributes.get(key) != value
            case other:
                raise ValueError(f"a filter compares by {other!r}")

    def key(self) -> str:
        token = self.taken()
        if token.startswith('"'):
            return str(json.loads(token))
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", token):
            raise ValueError(f"a filter has {token!r} where an attribute's key should be: quote it")
        return token

    def text(self) -> str:
        token = self.taken()
        if not token.startswith('"'):
            raise ValueError(f"a filter has {token!r} where a quoted text should be")
        return str(json.loads(token))

    def want(self, token: str) -> None:
        found = self.taken()
        if found != token:
            raise ValueError(f"a filter has {found!r} where {token!r} should be")

    def taken(self) -> str:
        if not self.left:
            raise ValueError("a filter ends in its middle")
        return self.left.pop(0)
