"""CSV and Parquet files of a user's own: what their columns are, and their rows on the way into the lake."""

import csv
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from loopwright.columns import DType
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.features.engine import engine, quoted

# A column's type follows from all of its values: the only text in a column of numbers may be in the last row.
_CSV: Final = "read_csv(?, sample_size = -1)"
_PARQUET: Final = "read_parquet(?)"

_READERS: Final[Mapping[str, str]] = {
    ".csv": _CSV,
    ".tsv": _CSV,
    ".txt": _CSV,
    ".gz": _CSV,
    ".parquet": _PARQUET,
    ".pq": _PARQUET,
}

_DELIMITERS: Final = (",", ";", "\t", "|")

_TYPES: Final[Mapping[DType, str]] = {
    "float": "DOUBLE",
    "int": "BIGINT",
    "bool": "BOOLEAN",
    "string": "VARCHAR",
    "time": "TIMESTAMPTZ",
}


@dataclass(frozen=True, slots=True)
class FileColumn:
    """One column: its name in the file, the name that it gets here, and its type."""

    source: str
    name: str
    dtype: DType


class DataFile:
    """An open file; its rows are the view `source` of the connection."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, columns: tuple[FileColumn, ...]) -> None:
        self.connection = connection
        self.path = path
        self.columns = columns

    def column(self, name: str, what: str) -> FileColumn:
        """Return the column of that name, as in the file or as here; `what` says what it is for.

        Raises:
            InvalidInputError: there is none; the message names those that there are.
        """
        for column in self.columns:
            if name in {column.source, column.name}:
                return column
        names = ", ".join(column.source for column in self.columns)
        raise InvalidInputError(f"{self.path.name} has no column {name!r} for {what}; it has {names}")

    def rows(self, columns: Sequence[FileColumn], *, where: str = "TRUE") -> duckdb.DuckDBPyRelation:
        """Return the rows of these columns, under their names here and in the types of a lake."""
        chosen = ", ".join(f"{selected(column)} AS {quoted(column.name)}" for column in columns)
        return self.connection.sql(f"SELECT {chosen} FROM source WHERE {where}")  # noqa: S608 - names are quoted

    def one(self, query: str) -> tuple[object, ...]:
        """Return the first row of a query that has few."""
        rows = self.connection.execute(query).fetchall()
        if not rows:
            raise InvalidInputError(f"{self.path.name} has no rows")
        return tuple(rows[0])


@contextmanager
def open_file(path: Path, *, texts: Collection[str] = ()) -> Iterator[DataFile]:
    """Open a CSV or Parquet file.

    Of a CSV file the columns `texts` (under their names here) are taken as they are written: `007` is no number and
    `yes` no truth value there.

    Raises:
        NotFoundError: there is no such file.
        InvalidInputError: it is of another kind, cannot be read, or two columns would get the same name.
    """
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}")
    if not path.stat().st_size:
        raise InvalidInputError(f"{path.name} is empty: wanted a line of column names, and a line for each row")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        kinds = ", ".join(_READERS)
        raise InvalidInputError(f"{path.name} is no CSV or Parquet file: its name must end in one of {kinds}")
    with engine() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        try:
            source = reader.replace("?", _text(str(path)))
            connection.execute(f"CREATE VIEW source AS SELECT * FROM {source}")  # noqa: S608 - the path is quoted
            described = _described(connection)
            written = [name for name, kind in described.items() if snake_case(name) in texts and kind != "VARCHAR"]
            if written and reader == _CSV:
                types = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in written)
                source = source.replace(", sample_size", f", types = {{{types}}}, sample_size")
                connection.execute(f"CREATE OR REPLACE VIEW source AS SELECT * FROM {source}")  # noqa: S608
                described = _described(connection)
            _check_table(path, tuple(described))
            yield DataFile(connection, path, _columns(path, described))
        except (duckdb.InvalidInputException, duckdb.DataError, duckdb.IOException) as error:
            raise InvalidInputError(f"{path.name} cannot be read: {_reason(error)}") from error


def snake_case(name: str) -> str:
    """Return a valid name for a column: `Signup Date` becomes `signup_date`."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    plain = re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")[:63].rstrip("_")
    if not plain or not plain[0].isalpha():
        plain = f"c_{plain}"[:63].rstrip("_")
    return plain


def selected(column: FileColumn) -> str:
    """Return the SQL of a column in the type of a lake."""
    return f"CAST({quoted(column.source)} AS {_TYPES[column.dtype]})"


def _described(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the columns of the view and their types."""
    return {str(name): str(kind) for name, kind, *_ in connection.execute("DESCRIBE source").fetchall()}


def _columns(path: Path, described: Mapping[str, str]) -> tuple[FileColumn, ...]:
    columns = tuple(FileColumn(name, snake_case(name), _dtype(kind)) for name, kind in described.items())
    taken: dict[str, str] = {}
    for column in columns:
        if column.name in taken:
            raise InvalidInputError(
                f"{path.name}: the columns {taken[column.name]!r} and {column.source!r} would both be called "
                f"{column.name!r} here: rename one"
            )
        taken[column.name] = column.source
    return columns


def _dtype(kind: str) -> DType:
    if kind.startswith(("TIMESTAMP", "DATE")):
        return "time"
    if kind.startswith(("DECIMAL", "FLOAT", "DOUBLE", "HUGEINT", "UHUGEINT", "UBIGINT")):
        return "float"
    if kind.endswith(("INT", "INTEGER")):
        return "int"
    return "bool" if kind == "BOOLEAN" else "string"


def _text(value: str) -> str:
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _check_table(path: Path, names: Sequence[str]) -> None:
    """Refuse what passes for one column only because its lines differ in how many values they have."""
    delimiter = next((one for one in _DELIMITERS if one in names[0]), None)
    if len(names) > 1 or delimiter is None:
        return
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        lines = csv.reader(file, delimiter=delimiter)
        wanted = len(next(lines))
        for line in lines:
            if len(line) != wanted:
                raise InvalidInputError(
                    f"{path.name}: the row that ends in line {lines.line_num:,} has {len(line)} values, the first line "
                    f"{wanted}: mend that row"
                )


def _reason(error: Exception) -> str:
    """Return what a person needs to know of DuckDB's message, which goes on with options of SQL."""
    lines = str(error).splitlines()
    if any("not utf-8" in line.lower() for line in lines):
        return "it is not UTF-8 text: save it as UTF-8"
    told = next((line for line in lines if line.startswith("Error when converting")), lines[0])
    return told.partition(" Error: ")[2] or told
