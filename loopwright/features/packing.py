"""How a row of features lies in the online table: as bytes that many rows can be read from at once.

A row is a block of little-endian float64, then, if the view has strings, a msgpack array of them:

    layout, event time, known time, number 1, …, number n | [string 1, …, string m]

`layout` is not a number: its 8 bytes are the start of a digest of the features' names and types, so that a row that
was written under another definition is never misread. Moments are seconds UTC; a null is NaN, or the empty text.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array, Columns, moments
from loopwright.definitions.features import Entity, FeatureView
from loopwright.features.values import from_moments, objects

_HEAD: Final = 3
_TIMES: Final = struct.Struct("<dd")
_SAFE_CHARACTERS: Final = 128
_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(list[str]).decode
_encode_json: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Rows that were read: features, event and known times as moments."""

    columns: Columns
    event_times: NDArray[np.float64]
    known_times: NDArray[np.float64]


class Layout:
    """Packs rows of one feature view, and unpacks rows that were packed with the same layout."""

    def __init__(self, view: FeatureView) -> None:
        self.view = view
        self._numbers = [field for field in view.features if field.dtype != "string"]
        self._strings = [field.name for field in view.features if field.dtype == "string"]
        self._names = [field.name for field in self._numbers]
        self._times = [field.name for field in self._numbers if field.dtype == "time"]
        self._width = (_HEAD + len(self._numbers)) * 8
        self._nothing = np.full(self._width // 8, np.nan, dtype="<f8").tobytes()
        described = _encode_json([(field.name, field.dtype) for field in view.features])
        self.digest = hashlib.sha256(described).digest()[:8]

    def pack(self, columns: Columns, event_times: NDArray[np.float64], known_times: NDArray[np.float64]) -> list[bytes]:
        """Return the rows of the columns, each as bytes."""
        block = np.empty((len(event_times), _HEAD + len(self._numbers)), dtype="<f8")
        block[:, 1], block[:, 2] = event_times, known_times
        for place, field in enumerate(self._numbers, _HEAD):
            column = columns[field.name]
            block[:, place] = moments(column) if field.dtype == "time" else column
        block.view("V8")[:, 0] = np.void(self.digest)
        data, width = block.tobytes(), self._width
        rows = [data[start : start + width] for start in range(0, len(data), width)]
        if not self._strings:
            return rows
        texts = zip(*(columns[name].tolist() for name in self._strings), strict=True)
        return [row + _encode(text) for row, text in zip(rows, texts, strict=True)]

    def fits(self, row: bytes) -> bool:
        """Return whether the row was packed with this layout."""
        return row.startswith(self.digest) and len(row) >= self._width

    @staticmethod
    def age_order(row: bytes) -> tuple[float, float]:
        """Return a fitting row's event time and known time: the greater pair is newer."""
        event_time, known_time = _TIMES.unpack_from(row, 8)
        return (event_time, known_time)

    def unpack(self, rows: Sequence[bytes], places: Sequence[int]) -> Unpacked:
        """Return for each place the row there; place -1 is a row of nulls. All rows fit."""
        heads = [row[: self._width] for row in rows] if self._strings else rows
        block = np.frombuffer(b"".join([*heads, self._nothing]), dtype="<f8").reshape(-1, self._width // 8)
        chosen = np.ascontiguousarray(block[np.array(places, dtype=np.intp)].T)
        columns: dict[str, Array] = dict(zip(self._names, chosen[_HEAD:], strict=True))
        for name in self._times:
            columns[name] = from_moments(columns[name].astype(np.float64, copy=False))
        if self._strings:
            texts = [*(_decode(row[self._width :]) for row in rows), [""] * len(self._strings)]
            for number, name in enumerate(self._strings):
                columns[name] = objects([texts[place][number] for place in places])
            columns = {name: columns[name] for name in self.view.feature_names}
        return Unpacked(columns, chosen[1], chosen[2])


def sort_keys(entity: Entity, columns: Columns) -> list[str | None]:
    """Return where the rows' entities lie in a partition: the JSON array of their key values, None if one is null.

    Other entities have other sorts. What would be too long for a sort, or has characters that a sort may not have, is
    replaced by its digest.
    """
    parts = [
        [None if value != value else int(value) for value in columns[key.name].tolist()]  # noqa: PLR0124 - NaN is null
        if key.dtype == "int"
        else columns[key.name].tolist()
        for key in entity.keys
    ]
    return [_sort_key(values) for values in zip(*parts, strict=True)]


def _sort_key(values: tuple[object, ...]) -> str | None:
    if None in values or "" in values:
        return None
    text = _encode_json(values).decode()
    if len(text) <= _SAFE_CHARACTERS and text.isprintable():
        return text
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
