"""Whose prediction is whose: ids that callers give or get, and the arm that an id leads to."""

import hashlib
from collections.abc import MutableMapping, Sequence
from typing import Final

from loopwright.clock import NewId
from loopwright.definitions import Model
from loopwright.errors import InvalidInputError

LONGEST_ID: Final = 128

_SCALE: Final = float(1 << 64)


def id_key(model: Model) -> str:
    """Return the key under which a row carries its prediction's id: `id`, or `prediction_id` if `id` is an input."""
    return "prediction_id" if any(one.name == "id" for one in model.inputs) else "id"


def take_ids(rows: Sequence[MutableMapping[str, object]], key: str, new_id: NewId) -> list[str]:
    """Take the id out of every row and return them in order; a row without one gets a new id.

    Raises:
        InvalidInputError: ids that are no text of 1 to 128 characters, or that repeat; all of them are named.
    """
    ids: list[str] = []
    problems: list[str] = []
    for number, row in enumerate(rows):
        given = row.pop(key, None)
        if given is None:
            ids.append(new_id())
        elif isinstance(given, str) and 1 <= len(given) <= LONGEST_ID:
            ids.append(given)
        else:
            problems.append(f"row {number}, {key}: wanted a text of 1 to {LONGEST_ID} characters")
            ids.append(f"{number}")
    if not problems and len(set(ids)) < len(ids):
        problems = _repeats(ids, key)
    if problems:
        raise InvalidInputError("the rows' ids are not usable", tuple(problems))
    return ids


def in_canary(prediction_id: str, weight: float) -> bool:
    """Return whether the canary answers this id: a share `weight` of all ids, for one id always the same answer."""
    return int.from_bytes(hashlib.blake2b(prediction_id.encode(), digest_size=8).digest()) / _SCALE < weight


def _repeats(ids: Sequence[str], key: str) -> list[str]:
    first: dict[str, int] = {}
    return [
        f"row {number}, {key}: {one!r} is row {first[one]}'s already"
        for number, one in enumerate(ids)
        if first.setdefault(one, number) != number
    ]
