"""DuckDB, embedded: streams of the lake in, columns out, memory bounded."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import numpy as np

from loopwright.columns import Array, DType
from loopwright.errors import InvalidInputError
from loopwright.ports.lake import ArrowStream

if TYPE_CHECKING:
    import duckdb

MEMORY_MB: Final = 600
"""What a query may hold in memory; what is more goes to disk."""

_NOT_A_TIME: Final = np.iinfo(np.int64).min


@contextmanager
def engine(*, memory_mb: int = MEMORY_MB) -> Iterator["duckdb.DuckDBPyConnection"]:
    """Open an empty DuckDB that uses all processors and at most so much memory, and spills into a folder of its own."""
    import duckdb

    with tempfile.TemporaryDirectory(prefix="loopwright-") as folder:
        connection = duckdb.connect(
            config={
                "memory_limit": f"{memory_mb}MB",
                "threads": os.cpu_count() or 1,
                "temp_directory": folder,
                "preserve_insertion_order": False,
            }
        )
        try:
            yield connection
        finally:
            connection.close()


def reader(stream: ArrowStream) -> object:
    """Return a stream as a reader that DuckDB asks for its schema without using it up."""
    from arro3.core import RecordBatchReader  # noqa: PLC0415 - as above

    return RecordBatchReader.from_arrow(stream)


def quoted(name: str) -> str:
    """Return a column's name as SQL."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def selected(column: str, name: str, dtype: DType) -> str:
    """Return the SQL that selects a column under a name such that `fetch` can make a column of it."""
    match dtype:
        case "float" | "int" | "bool":
            return f"coalesce({column}::DOUBLE, 'nan'::DOUBLE) AS {quoted(name)}"
        case "string":
            return f"coalesce({column}, '') AS {quoted(name)}"
        case "time":
            return f"epoch_us({column}) AS {quoted(name)}"


def fetch(connection: "duckdb.DuckDBPyConnection", query: str, schema: Mapping[str, DType]) -> dict[str, Array]:
    """Return the columns of a query's result, each selected by `selected` as what the schema says."""
    rows = connection.execute(query).fetchnumpy()
    return {name: _column(np.ma.asarray(rows[name]), dtype) for name, dtype in schema.items()}


def to_columns(stream: ArrowStream) -> dict[str, Array]:
    """Return all rows of a stream as columns in memory.

    Raises:
        InvalidInputError: a column has a type that a lake does not keep.
    """
    with engine() as connection:
        connection.register("stream", reader(stream))
        types = connection.execute("DESCRIBE stream").fetchall()
        schema = {name: _dtype(name, found) for name, found, *_ in types}
        chosen = ", ".join(selected(quoted(name), name, dtype) for name, dtype in schema.items())
        return fetch(connection, f"SELECT {chosen} FROM stream", schema)  # noqa: S608 - the names are quoted


def _column(values: "np.ma.MaskedArray[tuple[int], np.dtype[np.generic]]", dtype: DType) -> Array:
    match dtype:
        case "float" | "int" | "bool":
            return values.filled().astype(np.float64, copy=False)
        case "string":
            return values.filled().astype(object, copy=False)
        case "time":
            return values.filled(_NOT_A_TIME).astype(np.int64, copy=False).view("datetime64[us]")


def _dtype(name: str, found: str) -> DType:
    match found:
        case "DOUBLE" | "FLOAT":
            return "float"
        case "TINYINT" | "SMALLINT" | "INTEGER" | "BIGINT":
            return "int"
        case "BOOLEAN":
            return "bool"
        case "VARCHAR":
            return "string"
        case _ if found.startswith("TIMESTAMP"):
            return "time"
    raise InvalidInputError(f"column {name!r} is {found}; wanted float64, int64, bool, utf8 or timestamp")
