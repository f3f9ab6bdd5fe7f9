import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.columns import DType, length
from loopwright.errors import InvalidInputError
from loopwright.serving.log import Entry, decode, encode, stack

TYPES: dict[str, DType] = {"id": "string", "score": "float", "at": "time", "count": "int"}


def entry_of(rows: int, text: str = "x") -> Entry:
    return Entry(
        "predictions/delays",
        TYPES,
        {
            "id": np.array([f"{text}{number}" for number in range(rows)], dtype=object),
            "score": np.linspace(0, 1, rows),
            "at": np.arange(rows).astype("datetime64[us]"),
            "count": np.full(rows, np.nan),
        },
    )


def assert_same(one: Entry, other: Entry) -> None:
    assert one.table == other.table
    assert one.types == other.types
    for name in one.types:
        np.testing.assert_array_equal(one.columns[name], other.columns[name])


def test_what_was_packed_comes_out_with_its_types() -> None:
    assert_same(decode(encode(entry_of(7))[0]), entry_of(7))


@settings(max_examples=30, deadline=None)
@given(rows=st.integers(1, 60), limit=st.integers(200, 2_000))
def test_a_large_entry_is_split_under_the_limit_and_nothing_is_lost(rows: int, limit: int) -> None:
    bodies = encode(entry_of(rows), limit=limit)
    assert all(len(body) <= limit for body in bodies)
    assert_same(stack([decode(body) for body in bodies]), entry_of(rows))


def test_a_row_that_no_message_can_hold_is_refused_by_its_size() -> None:
    with pytest.raises(InvalidInputError, match=r"one row for predictions/delays takes 5,\d+ bytes"):
        encode(entry_of(1, text="y" * 5_000), limit=1_000)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not a message",
        msgspec.msgpack.encode(["t", 1, {"c": "float"}, b"", b"", ["a text"]]),
        msgspec.msgpack.encode(["t", 1, {"c": "string"}, bytes(8), b"", []]),
        msgspec.msgpack.encode(["t", 1, {"c": "float"}, bytes(7), b"", []]),
        msgspec.msgpack.encode(["t", 2, {"c": "float"}, bytes(8), b"", []]),
        msgspec.msgpack.encode(["t", 1, {"c": "money"}, bytes(8), b"", []]),
        msgspec.msgpack.encode(["t", -1, {"c": "time"}, b"", bytes(8), []]),
    ],
)
def test_bytes_of_another_kind_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidInputError, match="a message"):
        decode(body)


def test_a_split_keeps_the_order_of_the_rows() -> None:
    bodies = encode(entry_of(100), limit=800)
    assert len(bodies) > 1
    assert sum(length(decode(body).columns) for body in bodies) == 100
