"""Which values of columns break their fields' rules: what data quality counts and what a training set may not have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array, Columns, length
from loopwright.definitions.features import Field
from loopwright.features.problems import Problems

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Violations:
    """Which rows of one column are null, infinite, out of the field's range, or of an unknown category.

    A null is never out of range nor unknown; whether it may be null is the field's `nullable`.
    """

    null: Mask
    infinite: Mask
    out_of_range: Mask
    unknown: Mask

    def counts(self) -> dict[str, int]:
        """Return how many rows each mask marks, by the mask's name."""
        return {name: int(np.count_nonzero(getattr(self, name))) for name in self.__slots__}


def violations(field: Field, column: Array) -> Violations:
    """Return which rows of the field's column break its rules; see `loopwright.columns` for what a null is."""
    none = np.zeros(len(column), dtype=np.bool_)
    match field.dtype:
        case "string":
            null = column == ""
            unknown = ~null & ~_among(column, field.categories) if field.categories else none
            return Violations(null, none, none, unknown)
        case "time":
            return Violations(np.isnat(column), none, none, none)
        case "float" | "int" | "bool":
            low = _numbers(column) < field.minimum if field.minimum is not None else none
            high = _numbers(column) > field.maximum if field.maximum is not None else none
            return Violations(np.isnan(column), np.isinf(column), low | high, none)


def check_rows(fields: Sequence[Field], columns: Columns, *, where: str) -> Mapping[str, Mapping[str, int]]:
    """Check columns that are to be trusted, a training set's, and return each field's counts of violations.

    Out-of-range values and unknown categories are counted only: the world brings them, and a gate judges the result.

    Raises:
        InvalidInputError: a column is missing, of another type, of another length, infinite somewhere, or null where
            it may not be; every problem is named, `where` says whose columns they are.
    """
    problems = Problems(f"{where} break the rules of their fields")
    counted = {}
    rows = length(columns)
    for field in fields:
        column = columns.get(field.name)
        if column is None:
            problems.add(f"column {field.name!r} is missing: add it, or take the field out of the definitions")
        elif not _is_stored_as(field, column):
            problems.add(f"column {field.name!r} is {column.dtype}; wanted {field.dtype} (see loopwright.columns)")
        elif len(column) != rows:
            problems.add(f"column {field.name!r} has {len(column):,} rows; the others have {rows:,}")
        else:
            counted[field.name] = violations(field, column).counts()
            problems.extend(_hard(field, counted[field.name], rows))
    problems.raise_if_any()
    return counted


def _hard(field: Field, counts: Mapping[str, int], rows: int) -> list[str]:
    found = []
    if counts["null"] and not field.nullable:
        found.append(
            f"column {field.name!r} is null in {counts['null']:,} of {rows:,} rows: "
            "mend the source, or declare the field nullable"
        )
    if counts["infinite"]:
        found.append(f"column {field.name!r} is infinite in {counts['infinite']:,} of {rows:,} rows: mend the source")
    return found


def _is_stored_as(field: Field, column: Array) -> bool:
    kind = {"string": "O", "time": "M"}.get(field.dtype, "f")
    return column.dtype.kind == kind


def _among(column: Array, categories: Sequence[str]) -> Mask:
    known = frozenset(categories)
    return np.fromiter((value in known for value in column), dtype=np.bool_, count=len(column))


def _numbers(column: Array) -> NDArray[np.float64]:
    return column.astype(np.float64, copy=False)
