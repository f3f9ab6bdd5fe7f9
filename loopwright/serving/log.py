"""The messages in which predictions and labels travel from a request to the lake: columns, packed, with their types.

A message is MessagePack of `[table, rows, {column: [dtype, values]}]`. Numbers and truth values are little-endian
float64, times are int64 microseconds, both as bytes; strings are a list. So packing a row costs microseconds, and a
collector stacks thousands of messages without looking at a single value.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np

from loopwright.columns import Array, Columns, DType, length, take
from loopwright.errors import InvalidInputError
from loopwright.features.values import objects
from loopwright.ports.queues import MESSAGE_LIMIT

PREDICTIONS_QUEUE: Final = "predictions"
LABELS_QUEUE: Final = "labels"
FEATURES_QUEUE: Final = "features"

_NUMBER: Final = np.dtype("<f8")
_MICROSECONDS: Final = np.dtype("<i8")


def predictions_table(model: str) -> str:
    """Return the lake table that holds the model's predictions."""
    return f"predictions/{model}"


def labels_table(model: str) -> str:
    """Return the lake table that holds the model's labels."""
    return f"labels/{model}"


@dataclass(frozen=True, slots=True)
class Entry:
    """Rows for one table of the lake; `types` says what each column is, in the same order."""

    table: str
    types: Mapping[str, DType]
    columns: Columns


class _Packed(msgspec.Struct, array_like=True, frozen=True):
    table: str
    rows: int
    columns: dict[str, tuple[DType, bytes | list[str]]]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Packed)


def encode(entry: Entry, *, limit: int = MESSAGE_LIMIT) -> list[bytes]:
    """Pack the entry's rows into as few messages of at most `limit` bytes as an even split allows.

    Raises:
        InvalidInputError: a single row is over the limit.
    """
    rows = length(entry.columns)
    packed = {name: (dtype, _pack(dtype, entry.columns[name])) for name, dtype in entry.types.items()}
    body = _ENCODER.encode(_Packed(entry.table, rows, packed))
    if len(body) <= limit:
        return [body]
    if rows == 1:
        raise InvalidInputError(
            f"one row for {entry.table} takes {len(body):,} bytes, the log takes {limit:,}: send shorter texts"
        )
    parts = min(rows, len(body) // limit + 1)
    bounds = np.linspace(0, rows, parts + 1).astype(int).tolist()
    bodies: list[bytes] = []
    for first, last in itertools.pairwise(bounds):
        part = Entry(entry.table, entry.types, take(entry.columns, slice(first, last)))
        bodies += encode(part, limit=limit)
    return bodies


def decode(body: bytes) -> Entry:
    """Unpack a message.

    Raises:
        InvalidInputError: the bytes are no message of this kind, or its columns differ in length.
    """
    try:
        packed = _DECODER.decode(body)
        columns = {name: _unpack(dtype, values) for name, (dtype, values) in packed.columns.items()}
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise InvalidInputError(f"a message of {len(body):,} bytes is no entry of the log: {error}") from error
    for name, column in columns.items():
        if len(column) != packed.rows:
            raise InvalidInputError(
                f"a message for {packed.table}: column {name} has {len(column)} rows instead of {packed.rows}"
            )
    return Entry(packed.table, {name: dtype for name, (dtype, _) in packed.columns.items()}, columns)


def stack(entries: Sequence[Entry]) -> Entry:
    """Return the rows of entries of one table and the same types as one entry; a single one as it is."""
    first = entries[0]
    if len(entries) == 1:
        return first
    columns = {name: np.concatenate([entry.columns[name] for entry in entries]) for name in first.types}
    return Entry(first.table, first.types, columns)


def _pack(dtype: DType, column: Array) -> bytes | list[str]:
    match dtype:
        case "string":
            texts: list[str] = column.tolist()
            return texts
        case "time":
            return column.astype("<M8[us]", copy=False).tobytes()
        case "float" | "int" | "bool":
            return column.astype(_NUMBER, copy=False).tobytes()


def _unpack(dtype: DType, values: bytes | list[str]) -> Array:
    if isinstance(values, list):
        if dtype != "string":
            raise TypeError(f"a list of texts for a column of {dtype}")
        return objects(values)
    match dtype:
        case "string":
            raise TypeError("bytes for a column of texts")
        case "time":
            return np.frombuffer(values, dtype=_MICROSECONDS).view("<M8[us]")
        case "float" | "int" | "bool":
            return np.frombuffer(values, dtype=_NUMBER)
