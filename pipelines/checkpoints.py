"""How a step's result is kept: as bytes that need no trust to be read. Nothing here can hold code."""

import io
from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from typing_extensions import override

from loopwright.columns import Array, Columns
from loopwright.errors import IntegrityError

T = TypeVar("T")


class Codec(Protocol[T]):
    """Turns a value into bytes and back. Equal values give equal bytes."""

    def encode(self, value: T) -> bytes:
        """Return the value as bytes."""
        ...

    def decode(self, data: bytes) -> T:
        """Return the value, or raise `IntegrityError` if these are not its bytes."""
        ...


class Json(Codec[T], Generic[T]):
    """Values of one type made of dataclasses, mappings, sequences and scalars."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind

    @override
    def encode(self, value: T) -> bytes:
        return msgspec.json.encode(value, order="deterministic")

    @override
    def decode(self, data: bytes) -> T:
        try:
            return msgspec.json.decode(data, type=self._kind)
        except msgspec.MsgspecError as error:
            raise IntegrityError(f"the checkpoint holds no {self._kind.__name__}: {error}") from error


class ColumnsCodec(Codec[Columns]):
    """Columns, as numpy's npz without objects: strings become codes and a list of texts."""

    @override
    def encode(self, value: Columns) -> bytes:
        return pack_columns(value)

    @override
    def decode(self, data: bytes) -> Columns:
        return unpack_columns(data)


def pack_columns(columns: Columns) -> bytes:
    """Return columns as bytes."""
    arrays: dict[str, NDArray[np.generic]] = {}
    texts: dict[str, list[str]] = {}
    for name, column in columns.items():
        if column.dtype == object:
            codes, uniques = pd.factorize(column)
            arrays[name] = codes.astype(np.int32)
            texts[name] = list(uniques)
        else:
            arrays[name] = column
    arrays[_TEXTS] = np.frombuffer(msgspec.json.encode(texts), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack_columns(data: bytes) -> dict[str, Array]:
    """Return the columns that `pack_columns` packed, or raise `IntegrityError`."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            texts = msgspec.json.decode(arrays[_TEXTS].tobytes(), type=Mapping[str, list[str]])
            return {name: _column(arrays[name], texts.get(name)) for name in arrays.files if name != _TEXTS}
    except (ValueError, KeyError, OSError, IndexError, msgspec.MsgspecError) as error:
        raise IntegrityError(f"the checkpoint holds no columns: {error}") from error


_TEXTS = "__texts"  # no field's name has two underscores in a row


def _column(stored: Array, texts: list[str] | None) -> Array:
    return stored if texts is None else np.array(texts, dtype=object)[stored.astype(np.intp)]
