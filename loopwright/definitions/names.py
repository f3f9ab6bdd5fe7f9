"""Which names a definition may have."""

import re
from collections.abc import Iterable
from typing import Final

from loopwright.errors import DefinitionError

_NAME: Final = re.compile(r"(?!.*__)[a-z][a-z0-9_]{0,62}")

RESERVED: Final = frozenset(
    {
        "arm",
        "event_time",
        "label",
        "labeled_at",
        "latency_ms",
        "model_version",
        "predicted_at",
        "prediction",
        "prediction_id",
        "received_at",
        "score",
    }
)
"""Columns that the log of predictions has of its own."""


def checked_name(name: str, what: str) -> str:
    """Return the name, or raise `DefinitionError` if it is not lower-case snake case of 1 to 63 characters.

    Two underscores in a row are kept for columns of our own, such as `weather__age`.
    """
    if not _NAME.fullmatch(name):
        raise DefinitionError(
            f"{what} {name!r}: a name is a-z, 0-9 and single _, starts with a letter, has at most 63 characters"
        )
    return name


def no_repeats(names: Iterable[str], what: str) -> None:
    """Raise `DefinitionError` if a name occurs twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DefinitionError(f"{what} {name!r} is defined twice: rename one of the two")
        seen.add(name)
