"""Which types a lake's columns have, and how an append may change them."""

import re
from collections.abc import Mapping
from typing import Final

import numpy as np

from loopwright.columns import Array, Columns, DType
from loopwright.errors import InvalidInputError
from loopwright.ports.lake import Selection

Schema = Mapping[str, DType]

_COLUMN: Final = re.compile(r'[^"\x00-\x1f\x7f]+')


def types_of(table: str, columns: Columns, *, declared: Schema, existing: Schema) -> dict[str, DType]:
    """Return the type of every column: as declared, else as the table has it, else what its array says.

    An array of float64 may hold floats, integers or booleans; alone it says float.

    Raises:
        InvalidInputError: the arrays differ in length or have no type of ours, or their type is not the declared one.
    """
    if len({len(column) for column in columns.values()}) > 1:
        sizes = ", ".join(f"{name}: {len(column)}" for name, column in columns.items())
        raise InvalidInputError(f"lake table {table}: the columns differ in length ({sizes})")
    if unknown := sorted(declared.keys() - columns.keys()):
        raise InvalidInputError(f"lake table {table}: the schema declares {', '.join(unknown)}, which the rows lack")
    return {
        name: _type_of(table, name, column, declared.get(name) or existing.get(name))
        for name, column in columns.items()
    }


def _type_of(table: str, name: str, column: Array, wanted: DType | None) -> DType:
    found: DType
    match column.dtype.kind:
        case "f":
            return _number(table, name, column, wanted)
        case "i" | "u":
            found = "int"
        case "b":
            found = "bool"
        case "M":
            found = "time"
        case "O" | "U":
            found = "string"
        case _:
            raise InvalidInputError(f"lake table {table}: column {name} is an array of {column.dtype}")
    if wanted is not None and wanted != found:
        raise InvalidInputError(f"lake table {table}: column {name} is {wanted}; the rows have {found}")
    return found


def _number(table: str, name: str, column: Array, wanted: DType | None) -> DType:
    match wanted:
        case None | "float":
            return "float"
        case "int" | "bool":
            values = column[~np.isnan(column.astype(np.float64))].astype(np.float64)
            fits = np.isin(values, (0.0, 1.0)) if wanted == "bool" else values == np.trunc(values)
            if fits.all() and np.isfinite(values).all():
                return wanted
        case "string" | "time":
            pass
    raise InvalidInputError(f"lake table {table}: column {name} is {wanted}; the rows have float")


def merged(table: str, existing: Schema, rows: Schema) -> dict[str, DType]:
    """Return the table's schema with the rows' new columns at its end.

    Raises:
        InvalidInputError: a column has another type than the table's; the message names it and both types. Or its name
            is none, or there are no columns at all.
    """
    if not existing and not rows:
        raise InvalidInputError(f"lake table {table}: rows without columns make no table")
    for name, dtype in rows.items():
        if not _COLUMN.fullmatch(name):
            raise InvalidInputError(f"lake table {table}: column {name!r}: use no control characters or double quotes")
        if existing.get(name, dtype) != dtype:
            raise InvalidInputError(f"lake table {table}: column {name} is {existing[name]}; the rows have {dtype}")
    return {**existing, **rows}


def check_selection(table: str, selection: Selection, schema: Schema) -> None:
    """Raise InvalidInputError unless the table has the columns that the selection names, each once."""
    columns = tuple(schema) if selection.columns is None else selection.columns
    if not columns:
        raise InvalidInputError(f"lake table {table}: the selection names no column; None stands for all")
    if len(set(columns)) != len(columns):
        raise InvalidInputError(f"lake table {table}: the selection names a column twice: {', '.join(columns)}")
    if missing := [name for name in columns if name not in schema]:
        raise InvalidInputError(f"lake table {table} has no column {', '.join(missing)}; it has {', '.join(schema)}")
    for between in selection.where:
        if schema.get(between.column) != "time":
            found = schema.get(between.column, "not there")
            raise InvalidInputError(f"lake table {table}: {between.column} must be a time column; it is {found}")
