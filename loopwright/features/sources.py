"""Whether a table of the lake still has the columns that the definitions build on."""

from collections.abc import Mapping, Sequence
from typing import Final

from loopwright.columns import DType
from loopwright.definitions.features import FeatureView, Field
from loopwright.features.problems import Problems
from loopwright.ports.lake import Lake

_FITS: Final[Mapping[DType, frozenset[DType]]] = {
    "float": frozenset({"float", "int"}),
    "int": frozenset({"int"}),
    "bool": frozenset({"bool"}),
    "string": frozenset({"string"}),
    "time": frozenset({"time"}),
}
"""Which types of a stored column a field of a type may be read from."""


def check_columns(fields: Sequence[Field], schema: Mapping[str, DType], *, table: str) -> None:
    """Check that a table's columns fit the fields; columns that no field names do not matter.

    Raises:
        InvalidInputError: naming table, column, wanted, got and what to do, for every column that is missing or has
            another type.
    """
    check_types({field.name: field.dtype for field in fields}, schema, table=table)


def check_source(lake: Lake, view: FeatureView, *, version: int | None = None) -> None:
    """Check that a feature view's source has its keys, times and features; see `check_columns`.

    Raises:
        NotFoundError: there is no such table, or the version has expired.
        InvalidInputError: its columns do not fit the view.
    """
    check_types(source_columns(view), lake.schema(view.source, version=version), table=view.source)


def source_columns(view: FeatureView) -> dict[str, DType]:
    """Return the columns that a row of the view's source has: keys, times, features."""
    columns: dict[str, DType] = {key.name: key.dtype for key in view.entity.keys}
    columns[view.event_time] = "time"
    if view.known_time is not None:
        columns[view.known_time] = "time"
    return columns | {feature.name: feature.dtype for feature in view.features}


def check_types(wanted: Mapping[str, DType], schema: Mapping[str, DType], *, table: str) -> None:
    """Check that a table has the wanted columns with the wanted types; see `check_columns`."""
    problems = Problems("the table does not fit its definition")
    for name, dtype in wanted.items():
        got = schema.get(name)
        if got is None:
            problems.add(
                f"table {table!r}: column {name!r} is missing; wanted {dtype}, there are {', '.join(schema)}: "
                "bring the column back, or change the definition and train again"
            )
        elif got not in _FITS[dtype]:
            problems.add(
                f"table {table!r}: column {name!r}: wanted {dtype}, got {got}: "
                "convert it before it is appended, or change the definition and train again"
            )
    problems.raise_if_any()
