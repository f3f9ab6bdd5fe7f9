"""Columns: the one shape in which rows travel, from a request of one row to a training set of millions.

`Columns` maps a name to a numpy array; all arrays have the same length. What a null is depends on the type:

    dtype     array             null
    float     float64           NaN
    int       float64           NaN     (exact up to 2**53; a lake keeps it as int64)
    bool      float64           NaN     (0.0 and 1.0)
    string    object of str     ""      (no null apart from the empty text)
    time      datetime64[us]    NaT     (UTC)

So a transformation needs no case for one row, a model sees training and serving alike, and nothing here needs pandas.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from loopwright.dtypes import Columns, DType

__all__ = ["Array", "Columns", "DType", "concat", "empty", "length", "moments", "take", "times"]

Array = NDArray[np.float64] | NDArray[np.object_] | NDArray[np.datetime64]


def length(columns: Columns) -> int:
    """Return how many rows there are; 0 when there are no columns."""
    return next((len(column) for column in columns.values()), 0)


def empty(dtype: DType, rows: int) -> Array:
    """Return a column of `rows` nulls."""
    match dtype:
        case "string":
            return np.full(rows, "", dtype=object)
        case "time":
            return np.full(rows, np.datetime64("NaT"), dtype="datetime64[us]")
        case "float" | "int" | "bool":
            return np.full(rows, np.nan)


def take(columns: Columns, rows: NDArray[np.intp] | NDArray[np.bool_] | slice) -> dict[str, Array]:
    """Return the chosen rows of every column."""
    return {name: column[rows] for name, column in columns.items()}


def concat(parts: Sequence[Columns]) -> dict[str, Array]:
    """Return the rows of all parts one after another; the parts have the same columns."""
    if not parts:
        return {}
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def times(moments: Sequence[float] | NDArray[np.float64]) -> NDArray[np.datetime64]:
    """Return moments (seconds UTC) as a time column, to the microsecond."""
    return (np.asarray(moments, dtype=np.float64) * 1e6).round().astype(np.int64).astype("datetime64[us]")


def moments(column: Array) -> NDArray[np.float64]:
    """Return a time column as moments (seconds UTC); NaT becomes NaN."""
    seconds = column.astype("datetime64[us]").astype(np.int64) / 1e6
    return np.where(np.isnat(column), np.nan, seconds)
