"""How an item of a table lives through a write: the same on every provider that keeps items as packed bytes."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

import msgspec

from loopwright.errors import ConflictError, InvalidInputError
from loopwright.ports.table import (
    TRANSACT_LIMIT,
    Absent,
    Add,
    Check,
    Delete,
    Expectation,
    Item,
    Key,
    Put,
    Value,
    Version,
    Write,
)

ITEM_LIMIT: Final = 1 << 20
"""The most bytes that an item's value may have when it is packed."""

_KEY_LIMIT: Final = 512
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SHORT: Final = _KEY_LIMIT // 4

_encoder: Final = msgspec.msgpack.Encoder()
_unpack: Final = msgspec.msgpack.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Stored:
    """An item as it is kept: its packed value, its version, the moment after which it is no longer there."""

    packed: bytes
    version: int
    expires: float | None


def unpack_item(key: Key, stored: Stored) -> Item:
    """Return the item as its readers see it."""
    return item_of(key, stored.packed, stored.version)


def item_of(key: Key, packed: bytes, version: int) -> Item:
    """Return the item as its readers see it."""
    return Item(key, _unpack(packed), version)


def check_key(key: Key) -> None:
    """Raise InvalidInputError unless both parts are 1 to 512 bytes of text without control characters."""
    check_part(key.partition, key)
    check_part(key.sort, key)


def check_part(part: str, where: object) -> None:
    """Raise InvalidInputError unless one part of a key is 1 to 512 bytes of text without control characters."""
    if part and len(part) <= _SHORT and part.isprintable():
        return
    try:
        size = len(part.encode())
    except UnicodeEncodeError:
        raise InvalidInputError(f"table key {where!r}: it is not Unicode text") from None
    if not 1 <= size <= _KEY_LIMIT:
        raise InvalidInputError(f"table key {where!r}: a part has {size} bytes; it may have 1 to {_KEY_LIMIT}")
    if _CONTROL.search(part):
        raise InvalidInputError(f"table key {where!r}: it has a control character")


def pack(key: Key, value: Mapping[str, Value]) -> bytes:
    """Return the value as MessagePack.

    Raises:
        InvalidInputError: it is over the limit, or holds what an item may not: NaN, infinity, integers over 64 bits,
            keys that are no text, other types.
    """
    _check_value(key, value)
    try:
        packed = _encoder.encode(value)
    except (OverflowError, TypeError, UnicodeEncodeError) as error:
        raise InvalidInputError(f"item {key}: {error}") from error
    if len(packed) > ITEM_LIMIT:
        raise InvalidInputError(f"item {key}: {len(packed):,} bytes; {ITEM_LIMIT:,} is the most, keep more in blobs")
    return packed


def unconditional(puts: Sequence[Put]) -> Sequence[Put]:
    """Return the puts, or raise InvalidInputError when one of them has an expectation or an invalid key."""
    for put in puts:
        check_key(put.key)
        if put.expect is not None:
            raise InvalidInputError(f"put_many {put.key}: bulk loads take no expectations, use `transact`")
    return puts


def check_writes(writes: Sequence[Write]) -> None:
    """Raise InvalidInputError unless the writes may be one transaction."""
    if len(writes) > TRANSACT_LIMIT:
        raise InvalidInputError(f"a transaction of {len(writes)} writes: {TRANSACT_LIMIT} is the most")
    seen: set[Key] = set()
    for write in writes:
        check_key(write.key)
        if write.key in seen:
            raise InvalidInputError(f"a transaction with two writes for {write.key}: make them one")
        seen.add(write.key)


def after(write: Write, current: Stored | None) -> Stored | None:
    """Return what is stored after a write, given what is there now (None: nothing, or it has expired).

    Raises:
        ConflictError: the write's expectation does not hold.
        InvalidInputError: the value is none that an item may have.
    """
    match write:
        case Put():
            _expect(write.key, write.expect, current)
            return Stored(pack(write.key, write.value), 1 + (current.version if current else 0), write.expires)
        case Delete():
            _expect(write.key, write.expect, current)
            return None
        case Check():
            _expect(write.key, write.expect, current)
            return current
        case Add():
            return _added(write, current)
        case _:
            assert_never(write)


def _expect(key: Key, expect: Expectation, current: Stored | None) -> None:
    match expect:
        case None:
            return
        case Absent():
            if current is not None:
                raise ConflictError(f"{key}: expected nothing there; found version {current.version}")
        case Version(number):
            if current is None or current.version != number:
                found = "nothing" if current is None else f"version {current.version}"
                raise ConflictError(f"{key}: expected version {number}; found {found}")
        case _:
            assert_never(expect)


def _added(write: Add, current: Stored | None) -> Stored:
    value = _unpack(current.packed) if current else {}
    for name, amount in write.amounts.items():
        before = value.get(name, 0)
        if isinstance(before, bool) or not isinstance(before, int | float):
            raise InvalidInputError(f"{write.key}: add to {name}: it is {type(before).__name__}, not a number")
        value[name] = before + amount
    packed = pack(write.key, value)
    return Stored(packed, 1 + (current.version if current else 0), current.expires if current else None)


def _check_value(key: Key, value: object) -> None:
    match value:
        case None | bool() | int() | str() | bytes():
            return
        case float():
            if not math.isfinite(value):
                raise InvalidInputError(f"item {key}: {value} is not finite; encode it yourself")
        case Mapping():
            for name, item in value.items():
                if not isinstance(name, str):
                    raise InvalidInputError(f"item {key}: the name {name!r} is not text")
                _check_value(key, item)
        case list() | tuple():
            for item in value:
                _check_value(key, item)
        case _:
            raise InvalidInputError(f"item {key}: {type(value).__name__} is not a type that an item may hold")
