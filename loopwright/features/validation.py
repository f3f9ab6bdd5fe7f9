"""Rows from outside, checked against fields: all problems at once, or columns; never half a result.

Wrong types, NaN and infinity, nulls where none may be, unknown and missing columns are rejected here. Values out of
range and unknown categories are accepted, served and counted by data quality (`violations`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from loopwright.columns import Array, empty
from loopwright.features.problems import Problems
from loopwright.features.rules import Violations, check_rows, violations
from loopwright.features.sources import check_columns, check_source
from loopwright.features.values import WANTED, Typed, are_whole, convert, finite, is_null, is_valid, shown, texts

__all__ = ["RowParser", "Violations", "check_columns", "check_rows", "check_source", "parse_rows", "violations"]

Row = Mapping[str, object]
"""A row as a JSON reader made it. That it is an object at all is checked, too: callers pass on what they were sent."""


def parse_rows(fields: Sequence[Typed], rows: Sequence[Row]) -> dict[str, Array]:
    """Return the rows of a JSON request as columns, in the order of the fields; see `RowParser`."""
    return RowParser(fields).parse(rows)


class RowParser:
    """Turns rows of a JSON request into columns. Make one per model: what the fields say is then looked up once.

    A row has every field, and no other. A field that is nullable may be null, but not absent: a column that an
    upstream system lost must not pass for one that is empty. Integers are welcome where floats are wanted, and floats
    without a fraction where integers are; truth values and strings are never numbers. A time is RFC 3339 text (UTC
    where it names no offset) or a number of seconds since 1970.
    """

    def __init__(self, fields: Sequence[Typed]) -> None:
        self._fields = tuple(fields)
        self._ints = tuple(field.name for field in fields if field.dtype == "int")
        self._numbers = self._ints + tuple(field.name for field in fields if field.dtype == "float")
        self._strings = tuple(field.name for field in fields if field.dtype == "string")
        self._others = tuple(field for field in fields if field.dtype in {"bool", "time"})
        self._places = {field.name: empty(field.dtype, 0) for field in fields}

    def parse(self, rows: Sequence[Row]) -> dict[str, Array]:
        """Return the rows as columns; no rows give columns of length 0.

        Raises:
            InvalidInputError: naming every problem (of many, the first ones and how many more) with row and field.
        """
        for parse in (self._parse_together, self._parse_by_field):
            parsed = parse(rows)
            if parsed is not None:
                return parsed
        return self._parse_with_care(rows)

    def _parse_together(self, rows: Sequence[Row]) -> dict[str, Array] | None:
        """Return the columns if nothing is null or wrong, by a few operations on all fields together; else None."""
        count, width = len(rows), len(self._fields)
        columns = self._places.copy()
        try:
            if not all(len(row) == width for row in rows):
                return None
            values = [row[name] for name in self._numbers for row in rows]
            numbers = finite(values)
            strings = texts([row[name] for name in self._strings for row in rows])
            if numbers is None or strings is None or not are_whole(values[: len(self._ints) * count]):
                return None
            for field in self._others:
                column = convert(field, [row[field.name] for row in rows])
                if column is None:
                    return None
                columns[field.name] = column
        except (KeyError, TypeError, IndexError):
            return None
        columns.update(zip(self._numbers, numbers.reshape(len(self._numbers), count), strict=True))
        columns.update(zip(self._strings, strings.reshape(len(self._strings), count), strict=True))
        return columns

    def _parse_by_field(self, rows: Sequence[Row]) -> dict[str, Array] | None:
        """Return the columns if nothing is wrong, field by field; else None."""
        columns: dict[str, Array] = {}
        try:
            if not all(len(row) == len(self._fields) for row in rows):
                return None
            for field in self._fields:
                column = convert(field, [row[field.name] for row in rows])
                if column is None:
                    return None
                columns[field.name] = column
        except (KeyError, TypeError, IndexError):
            return None
        return columns

    def _parse_with_care(self, rows: Sequence[Row]) -> dict[str, Array]:
        """Return the columns, or raise with all that is wrong."""
        problems = Problems("the rows do not fit")
        problems.extend(self._misshapen(rows))
        columns: dict[str, Array] = {}
        for field in self._fields:
            present = [(index, row[field.name]) for index, row in _having(rows, field.name)]
            column = convert(field, [value for _, value in present])
            if column is None:
                problems.extend(_wrong_values(field, present))
            else:
                columns[field.name] = column
        problems.raise_if_any()
        return columns

    def _misshapen(self, rows: Sequence[object]) -> Iterator[str]:
        for index, row in enumerate(rows):
            if not isinstance(row, Mapping):
                yield f"row {index}: wanted an object of {len(self._fields)} fields, got {shown(row)}"
                continue
            for field in self._fields:
                if field.name not in row:
                    hint = "; send null if it has no value" if field.nullable else ""
                    yield f"row {index}: field {field.name!r} is missing{hint}"
            for name in row:
                if name not in self._places:
                    yield f"row {index}: field {name!r} is unknown; known are {', '.join(self._places)}"


def _having(rows: Iterable[object], name: str) -> Iterator[tuple[int, Row]]:
    return ((index, row) for index, row in enumerate(rows) if isinstance(row, Mapping) and name in row)


def _wrong_values(field: Typed, values: Iterable[tuple[int, object]]) -> Iterator[str]:
    for index, value in values:
        if is_null(field, value):
            if not field.nullable:
                what = "null" if value is None else "an empty string, which counts as null"
                yield f"row {index}: field {field.name!r}: wanted {WANTED[field.dtype]}, got {what}"
        elif not is_valid(field, value):
            yield f"row {index}: field {field.name!r}: wanted {WANTED[field.dtype]}, got {shown(value)}"
