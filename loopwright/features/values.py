"""Values of a JSON request: which are valid for a type, and how they become a column."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from loopwright.clock import parse_time
from loopwright.columns import Array, DType, empty, times


class Typed(Protocol):
    """What has the type of a column: a `Field`, or a column of our own that no user's field may be named after."""

    @property
    def name(self) -> str:
        """The column's name."""
        ...

    @property
    def dtype(self) -> DType:
        """The column's type."""
        ...

    @property
    def nullable(self) -> bool:
        """Whether a value may be missing."""
        ...


EXACT: Final = 2**53 - 1
"""The greatest integer that a float64 holds without a doubt (JavaScript's MAX_SAFE_INTEGER)."""

WANTED: Final[dict[DType, str]] = {
    "float": "a finite number",
    "int": "a whole number within ±(2**53 - 1)",
    "bool": "true or false",
    "string": "a string",
    "time": "RFC 3339 text such as 2013-03-01T12:00:00Z, or seconds since 1970",
}

_NUMBERS: Final = frozenset({float, int})
_FIRST: Final = datetime(1, 1, 2, tzinfo=UTC).timestamp()
_LAST: Final = datetime(9999, 12, 30, tzinfo=UTC).timestamp()


def is_null(field: Typed, value: object) -> bool:
    """Return whether a value means that there is none: null, or for a string the empty text."""
    return value is None or (field.dtype == "string" and value == "")


def convert(field: Typed, values: Sequence[object]) -> Array | None:
    """Return the values as the field's column, or None if one of them is not valid; to say which is `is_valid`'s."""
    known = [value for value in values if value is not None]
    if len(known) == len(values):
        return _convert_known(field, values)
    if not field.nullable:
        return None
    column = _convert_known(field, known)
    if column is None:
        return None
    whole = empty(field.dtype, len(values))
    whole[[value is not None for value in values]] = column
    return whole


def is_valid(field: Typed, value: object) -> bool:
    """Return whether a single value is valid for the field."""
    return not (is_null(field, value) and not field.nullable) and convert(field, [value]) is not None


def finite(values: Sequence[object]) -> NDArray[np.float64] | None:
    """Return Python floats and integers as an array, or None if one is something else, NaN or infinite."""
    if not set(map(type, values)) <= _NUMBERS:
        return None
    try:
        column = np.array(values, dtype=np.float64)
    except OverflowError:
        return None
    if math.isfinite(sum(column.tolist())) or np.isfinite(column).all():  # the sum is quicker, but may overflow
        return column
    return None


def are_whole(values: Sequence[object]) -> bool:
    """Return whether finite Python numbers have no fraction and are held exactly by a float64."""
    if set(map(type, values)) <= {int}:
        return not values or (min(values) >= -EXACT and max(values) <= EXACT)  # type: ignore[type-var,operator] # ints
    numbers = np.array(values, dtype=np.float64)
    return bool((np.abs(numbers) <= EXACT).all() and (numbers == np.floor(numbers)).all())


def texts(values: Sequence[object], *, nullable: bool = False) -> NDArray[np.object_] | None:
    """Return strings as an array, or None if one is something else, not Unicode text, or empty but not nullable."""
    if not set(map(type, values)) <= {str} or (not nullable and "" in values):
        return None
    try:
        "".join(values).encode()  # type: ignore[arg-type] # all are strings; a lone surrogate is no text
    except UnicodeEncodeError:
        return None
    return objects(values)


def from_moments(seconds: NDArray[np.float64]) -> Array:
    """Return moments as a time column; NaN becomes NaT."""
    column = empty("time", len(seconds))
    known = ~np.isnan(seconds)
    column[known] = times(seconds[known])
    return column


def objects(values: Sequence[object]) -> NDArray[np.object_]:
    """Return the values as an object array of one dimension, whatever they are."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def shown(value: object) -> str:
    """Return a value as JSON calls it, cut short: `a string 'JFK'`."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() if value.bit_length() > 128:  # noqa: PLR2004 - too long to print, and Python may refuse to
            return f"an integer of {value.bit_length()} bits"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"a string {value[:40]!r}" + ("…" if len(value) > 40 else "")  # noqa: PLR2004
        case list() | tuple():
            return f"a list of {len(value)}"
        case dict():
            return f"an object of {len(value)} fields"
        case _:
            return f"a {type(value).__name__}"


def _convert_known(field: Typed, values: Sequence[object]) -> Array | None:
    match field.dtype:
        case "float":
            return finite(values)
        case "int":
            column = finite(values)
            return column if column is not None and are_whole(values) else None
        case "bool":
            return np.array(values, dtype=np.float64) if set(map(type, values)) <= {bool} else None
        case "string":
            return texts(values, nullable=field.nullable)
        case "time":
            return _times(values)


def _times(values: Sequence[object]) -> Array | None:
    try:
        seconds = np.array([_moment(value) for value in values], dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        return None
    return times(seconds) if ((seconds >= _FIRST) & (seconds <= _LAST)).all() else None


def _moment(value: object) -> float:
    if isinstance(value, str):
        return parse_time(value)
    if type(value) in _NUMBERS:
        return float(value)  # type: ignore[arg-type] # it is a float or an int
    raise TypeError(f"{shown(value)} is no moment")
