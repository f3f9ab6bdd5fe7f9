"""Brings a file's rows into a table of the lake, as the definitions want them.

A lake only grows: rows that no training may have could not be taken out again. So they are refused here, whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from loopwright.columns import DType
from loopwright.definitions import Field, Project
from loopwright.definitions.names import RESERVED
from loopwright.features.engine import quoted
from loopwright.features.problems import Problems
from loopwright.features.sources import check_types, source_columns
from loopwright.hashing import digest
from loopwright.ports import Platform
from pipelines.files import DataFile, FileColumn, open_file, selected

_BECOMES: Final[Mapping[DType, frozenset[DType]]] = {
    "float": frozenset({"int"}),
    "string": frozenset({"int", "float", "bool"}),
    "int": frozenset(),
    "bool": frozenset(),
    "time": frozenset(),
}
"""Which types a file's values may have besides the wanted one: a file cannot say that its numbers are names."""


@dataclass(frozen=True, slots=True)
class Ingested:
    """The table's version with the rows, how many there are, and whether they came just now or were there already."""

    version: int
    rows: int
    new: bool


def ingest(platform: Platform, project: Project, file: Path, table: str) -> Ingested:
    """Append a file's rows to a table, which is made when it is new; the same file twice changes nothing.

    Raises:
        NotFoundError: there is no such file.
        InvalidInputError: it cannot be read, or its columns or values are not what the definitions want of this table;
            every problem is named and nothing was appended.
        UnavailableError: the lake does not take it now; nothing was appended.
    """
    wanted, fields = _wanted(project, table)
    known = _known(platform, table) | wanted
    with open_file(file, texts=[name for name, dtype in known.items() if dtype == "string"]) as data:
        columns = [_column(data, column, known) for column in data.columns]
        check_types(wanted, {column.name: column.dtype for column in columns}, table=table)
        _check_label(project, table, data)
        _check_values(data, {column.name: column for column in columns}, fields)
        (rows,) = data.one("SELECT count(*) FROM source")
        before = platform.lake.version(table)
        version = platform.lake.append(table, data.rows(columns), transaction=digest(file.read_bytes()))
    return Ingested(version, rows if isinstance(rows, int) else 0, version != before)


def _wanted(project: Project, table: str) -> tuple[dict[str, DType], dict[str, Field]]:
    """Return the columns that the definitions want of a table, and the fields whose rules training holds them to."""
    types: dict[str, DType] = {}
    fields: dict[str, Field] = {}
    for view in project.views:
        if view.source == table:
            types |= source_columns(view)
    for model in project.models:
        if model.observations == table:
            fields |= {field.name: field for field in model.inputs}
            types |= {field.name: field.dtype for field in model.inputs} | {model.event_time: "time"}
    return types, fields


def _known(platform: Platform, table: str) -> dict[str, DType]:
    """Return the columns that the table has already."""
    version = platform.lake.version(table)
    return {} if version is None else dict(platform.lake.schema(table, version=version))


def _column(data: DataFile, column: FileColumn, wanted: Mapping[str, DType]) -> FileColumn:
    """Return the column under the name and in the type that are wanted, where it can have them."""
    longer = f"{column.name}_value"
    name = longer if column.name in RESERVED and longer in wanted else column.name
    dtype = wanted.get(name, column.dtype)
    if column.dtype in _BECOMES[dtype] or (dtype == "time" and column.dtype == "string" and _are_times(data, column)):
        return FileColumn(column.source, name, dtype)
    return FileColumn(column.source, name, column.dtype)


def _are_times(data: DataFile, column: FileColumn) -> bool:
    source = quoted(column.source)
    query = f"SELECT count(*) FROM source WHERE {source} IS NOT NULL AND TRY_CAST({source} AS TIMESTAMPTZ) IS NULL"  # noqa: S608 - the name is quoted
    return data.one(query) == (0,)


def _check_label(project: Project, table: str, data: DataFile) -> None:
    for model in project.models:
        if model.observations == table:
            data.column(model.label.name, f"the label of model {model.name!r}")


def _check_values(data: DataFile, columns: Mapping[str, FileColumn], fields: Mapping[str, Field]) -> None:
    problems = Problems(f"{data.path.name} breaks the rules of the fields")
    for name, field in fields.items():
        column = columns[name]
        number = f"CAST({selected(column)} AS DOUBLE)"
        null = f"{quoted(column.source)} IS NULL" + (f" OR isnan({number})" if column.dtype == "float" else "")
        infinite = f"isinf({number})" if column.dtype == "float" else "FALSE"
        counts = data.one(f"SELECT count(*) FILTER ({null}), count(*) FILTER ({infinite}) FROM source")  # noqa: S608
        if counts[0] and not field.nullable:
            problems.add(f"column {column.source!r} is null in {counts[0]:,} rows: fill it, or declare it nullable")
        if counts[1]:
            problems.add(f"column {column.source!r} is infinite in {counts[1]:,} rows: mend the file")
    problems.raise_if_any()
