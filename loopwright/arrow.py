"""Columns into Arrow and back, without pyarrow.

arro3 hands out no numpy array where there are nulls, so those are read from Arrow's own buffers, through the Arrow C
data interface (https://arrow.apache.org/docs/format/CDataInterface.html): one copy, no object a value.
"""

import ctypes
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array as Column
from loopwright.columns import Columns, DType, empty
from loopwright.errors import InvalidInputError
from loopwright.ports.lake import ArrowStream

if TYPE_CHECKING:
    from arro3.core import Array, ChunkedArray, DataType, Table

_Number = TypeVar("_Number", np.int32, np.int64, np.float64)


class _ArrowArray(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


_SAMPLE: Final = 1_000
"""Texts to look at before deciding whether many of them are equal."""

_TESTS: Final[tuple[tuple[str, DType], ...]] = (
    ("is_boolean", "bool"),
    ("is_integer", "int"),
    ("is_floating", "float"),
    ("is_decimal", "float"),
    ("is_timestamp", "time"),
    ("is_date", "time"),
    ("is_string", "string"),
    ("is_large_string", "string"),
    ("is_string_view", "string"),
)

_pointer: Final = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def arrow_type(dtype: DType) -> "DataType":
    """Return the Arrow type in which a lake keeps a column of this type."""
    from arro3.core import DataType  # noqa: PLC0415 - only who touches the lake pays for it

    match dtype:
        case "float":
            return DataType.float64()
        case "int":
            return DataType.int64()
        case "bool":
            return DataType.bool()
        case "string":
            return DataType.utf8()
        case "time":
            return DataType.timestamp("us", tz="UTC")


def dtype_of(found: "DataType") -> DType | None:
    """Return the type of ours that holds what this Arrow type holds; None where there is none."""
    from arro3.core import DataType  # noqa: PLC0415

    # The stubs of arro3 call the results of these tests functions, so mypy must not see them being called.
    if found.value_type and getattr(DataType, "is_dictionary")(found):  # noqa: B009
        return dtype_of(found.value_type)
    return next((dtype for test, dtype in _TESTS if getattr(DataType, test)(found)), None)


def to_arrow(columns: Columns, schema: Mapping[str, DType]) -> "Table":
    """Return the columns as an Arrow table with the types of the schema; columns it names and lacks are null."""
    from arro3.core import Table  # noqa: PLC0415

    rows = max((len(column) for column in columns.values()), default=0)
    arrays = [
        _to_array(columns[name] if name in columns else empty(dtype, rows), dtype) for name, dtype in schema.items()
    ]
    return Table(arrays, names=list(schema))


def to_columns(stream: ArrowStream) -> dict[str, Column]:
    """Return all rows of a stream as columns.

    Raises:
        InvalidInputError: a column has a type that a lake does not keep.
    """
    columns, _ = columns_of(stream)
    return columns


def columns_of(stream: ArrowStream) -> tuple[dict[str, Column], dict[str, DType]]:
    """Return all rows of a stream as columns, and their types.

    Raises:
        InvalidInputError: a column has a type that a lake does not keep.
    """
    from arro3.core import Table  # noqa: PLC0415

    table = Table.from_arrow(stream)
    schema = schema_of(table)
    return {name: _to_column(table.column(name), dtype) for name, dtype in schema.items()}, schema


def schema_of(table: "Table") -> dict[str, DType]:
    """Return the types of a table's columns.

    Raises:
        InvalidInputError: a column has a type that a lake does not keep.
    """
    schema: dict[str, DType] = {}
    for name, found in zip(table.schema.names, table.schema.types, strict=True):
        dtype = dtype_of(found)
        if dtype is None:
            raise InvalidInputError(f"column {name}: a lake keeps no {found}; use float, int, bool, string or time")
        schema[name] = dtype
    return schema


def normalized(stream: ArrowStream) -> tuple["Table", dict[str, DType]]:
    """Return all rows of a stream in a lake's Arrow types, with nulls for NaN and for the empty text.

    Raises:
        InvalidInputError: a column has a type that a lake does not keep.
    """
    from arro3.core import ChunkedArray, Table  # noqa: PLC0415

    table = Table.from_arrow(stream)
    schema = schema_of(table)
    columns = [
        ChunkedArray([_normal(chunk, dtype) for chunk in table.column(name).chunks], type=arrow_type(dtype))
        for name, dtype in schema.items()
    ]
    return Table(columns, names=list(schema)), schema


def _normal(array: "Array", dtype: DType) -> "Array":
    normal = array.cast(arrow_type(dtype))
    match dtype:
        case "float":
            values, nulls = _values(normal, np.float64)
            return _nullable(normal, np.isnan(values) | nulls)
        case "string":
            ends, nulls = _values(normal, np.int32, extra=1)
            return _nullable(normal, (ends[1:] == ends[:-1]) | nulls)
        case "int" | "bool" | "time":
            return normal


def _to_array(column: Column, dtype: DType) -> "Array":
    from arro3.core import Array  # noqa: PLC0415

    match dtype:
        case "string":
            if not len(column):  # arro3 makes no array of no objects
                return Array([], type=arrow_type(dtype))
            return _nullable(Array.from_numpy(np.asarray(column, dtype=object)), np.equal(column, ""))
        case "time":
            micros = column.astype("datetime64[us]")
            return _nullable(Array.from_numpy(micros.view(np.int64)), np.isnat(micros)).cast(arrow_type(dtype))
        case "float" | "int" | "bool":
            numbers = np.ascontiguousarray(column, dtype=np.float64)
            return _nullable(Array.from_numpy(numbers), np.isnan(numbers)).cast(arrow_type(dtype))


def _nullable(array: "Array", nulls: NDArray[np.bool_]) -> "Array":
    """Return the array with nulls: taken by an index that is itself null there (NaN casts to null)."""
    from arro3.core import Array, DataType  # noqa: PLC0415

    if not nulls.any():
        return array
    index = np.arange(len(nulls), dtype=np.float64)
    index[nulls] = np.nan
    return array.take(Array.from_numpy(index).cast(DataType.uint64()))


def _to_column(column: "ChunkedArray", dtype: DType) -> Column:
    # Many chunks of a few rows, one a file, cost more than one copy.
    return _from_array(column.combine_chunks(), dtype) if len(column) else empty(dtype, 0)


def _from_array(array: "Array", dtype: DType) -> Column:
    from arro3.core import DataType  # noqa: PLC0415

    match dtype:
        case "string":
            return _texts(array)
        case "time":
            micros, nulls = _values(array.cast(arrow_type("time")).cast(DataType.int64()), np.int64)
            micros[nulls] = np.iinfo(np.int64).min
            return micros.view("datetime64[us]")
        case "float" | "int" | "bool":
            numbers, nulls = _values(array.cast(DataType.float64()), np.float64)
            numbers[nulls] = np.nan
            return numbers


def _texts(array: "Array") -> NDArray[np.object_]:
    """Return texts, each different one made once where many are equal."""
    from arro3.core import DataType, dictionary_dictionary, dictionary_indices  # noqa: PLC0415

    some = array.slice(0, min(len(array), _SAMPLE)).to_pylist()
    if len(set(some)) > len(some) // 2:
        return np.asarray([text or "" for text in array.to_pylist()], dtype=object)
    encoded = array.cast(DataType.dictionary(DataType.int32(), DataType.utf8()))
    known = np.asarray([*dictionary_dictionary(encoded).to_pylist(), ""], dtype=object)
    index, nulls = _values(dictionary_indices(encoded), np.int32)
    index[nulls] = len(known) - 1
    return known[index]


class _Exports(Protocol):
    """An array that can be seen through the Arrow C data interface."""

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple[object, object]: ...


def _values(array: _Exports, dtype: type[_Number], *, extra: int = 0) -> tuple[NDArray[_Number], NDArray[np.bool_]]:
    """Return a copy of a primitive array's values, whatever they are where it is null, and where that is.

    Of a text array these are the offsets of the texts, `extra` = 1 of them more than there are texts.
    """
    _, capsule = array.__arrow_c_array__()
    seen = _ArrowArray.from_address(_pointer(capsule, b"arrow_array"))
    size = np.dtype(dtype).itemsize
    raw = (ctypes.c_char * ((seen.length + extra) * size)).from_address(seen.buffers[1] + seen.offset * size)
    values = np.frombuffer(raw, dtype=dtype).copy()
    if not seen.buffers[0] or seen.null_count == 0:
        return values, np.zeros(seen.length, dtype=np.bool_)
    bits = np.frombuffer(ctypes.string_at(seen.buffers[0], (seen.offset + seen.length + 7) // 8), dtype=np.uint8)
    valid = np.unpackbits(bits, bitorder="little")[seen.offset : seen.offset + seen.length]
    return values, valid == 0
