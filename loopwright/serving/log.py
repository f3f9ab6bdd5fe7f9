"""The messages in which predictions and labels travel from a request to the lake: columns, packed, with their types.

A message is MessagePack of `[table, rows, {column: dtype}, numbers, times, texts]`. Numbers and truth values are
little-endian float64 and times int64 microseconds, column after column in one block of bytes each; texts are a list,
column after column. So packing a row costs microseconds, and a collector stacks thousands of messages without looking
at a single value.
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
_MICROSECONDS: Final = np.dtype("<M8[us]")


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
    types: dict[str, DType]
    numbers: bytes
    times: bytes
    texts: list[str]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Packed)


def encode(entry: Entry, *, limit: int = MESSAGE_LIMIT) -> list[bytes]:
    """Pack the entry's rows into as few messages of at most `limit` bytes as an even split allows.

    Raises:
        InvalidInputError: a single row is over the limit.
    """
    rows = length(entry.columns)
    numbers, times, texts = _kinds(entry.types)
    columns = entry.columns
    packed = _Packed(
        entry.table,
        rows,
        dict(entry.types),
        _block([columns[name] for name in numbers], _NUMBER),
        _block([columns[name] for name in times], _MICROSECONDS),
        [text for name in texts for text in columns[name].tolist()],
    )
    body = _ENCODER.encode(packed)
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
        return Entry(packed.table, packed.types, _columns(packed))
    except (msgspec.MsgspecError, ValueError) as error:
        raise InvalidInputError(f"a message of {len(body):,} bytes is no entry of the log: {error}") from error


def stack(entries: Sequence[Entry]) -> Entry:
    """Return the rows of entries of one table and the same types as one entry; a single one as it is."""
    first = entries[0]
    if len(entries) == 1:
        return first
    columns = {name: np.concatenate([entry.columns[name] for entry in entries]) for name in first.types}
    return Entry(first.table, first.types, columns)


def _kinds(types: Mapping[str, DType]) -> tuple[list[str], list[str], list[str]]:
    """Return the names of the columns that are packed as numbers, as times and as texts."""
    numbers = [name for name, dtype in types.items() if dtype not in {"string", "time"}]
    times = [name for name, dtype in types.items() if dtype == "time"]
    texts = [name for name, dtype in types.items() if dtype == "string"]
    return numbers, times, texts


def _block(columns: Sequence[Array], dtype: np.dtype[np.generic]) -> bytes:
    return np.concatenate(columns).astype(dtype, copy=False).tobytes() if columns else b""


def _columns(packed: _Packed) -> dict[str, Array]:
    numbers, times, texts = _kinds(packed.types)
    found: dict[str, Array] = {}
    found.update(zip(numbers, np.frombuffer(packed.numbers, _NUMBER).reshape(len(numbers), packed.rows), strict=True))
    moments = np.frombuffer(packed.times, _MICROSECONDS)
    found.update(zip(times, moments.reshape(len(times), packed.rows), strict=True))
    found.update(zip(texts, objects(packed.texts).reshape(len(texts), packed.rows), strict=True))
    return {name: found[name] for name in packed.types}
