"""CSV and Parquet files of a user's own: what their columns are, and their rows on the way into the lake."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from loopwright.columns import DType
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.features.engine import engine, quoted

_READERS: Final[Mapping[str, str]] = {
    ".csv": "read_csv",
    ".tsv": "read_csv",
    ".txt": "read_csv",
    ".gz": "read_csv",
    ".parquet": "read_parquet",
    ".pq": "read_parquet",
}

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
def open_file(path: Path) -> Iterator[DataFile]:
    """Open a CSV or Parquet file.

    Raises:
        NotFoundError: there is no such file.
        InvalidInputError: it is of another kind, cannot be read, or two columns would get the same name.
    """
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}")
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        kinds = ", ".join(_READERS)
        raise InvalidInputError(f"{path.name} is no CSV or Parquet file: its name must end in one of {kinds}")
    with engine() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        try:
            connection.execute(f"CREATE VIEW source AS SELECT * FROM {reader}({_text(str(path))})")  # noqa: S608
            described = connection.execute("DESCRIBE source").fetchall()
        except duckdb.Error as error:
            raise InvalidInputError(f"{path.name} cannot be read: {_first_line(error)}") from error
        yield DataFile(connection, path, _columns(path, {str(name): str(kind) for name, kind, *_ in described}))


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


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
