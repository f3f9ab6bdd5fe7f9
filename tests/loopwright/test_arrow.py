import numpy as np
from arro3.core import Array, ChunkedArray, DataType, Table
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from loopwright.arrow import normalized, to_arrow, to_columns
from loopwright.columns import Columns, DType

SCHEMA: dict[str, DType] = {"float": "float", "int": "int", "bool": "bool", "string": "string", "time": "time"}


@st.composite
def some_columns(draw: st.DrawFn) -> Columns:
    size = draw(st.integers(0, 70))
    whole = st.integers(-(2**53), 2**53).map(float) | st.just(np.nan)
    micros = st.integers(-(2**60), 2**60) | st.just(np.iinfo(np.int64).min)
    texts = draw(st.lists(st.text(max_size=4), min_size=size, max_size=size))
    return {
        "float": draw(arrays.arrays(np.float64, size, elements=st.floats(allow_infinity=True))),
        "int": draw(arrays.arrays(np.float64, size, elements=whole)),
        "bool": draw(arrays.arrays(np.float64, size, elements=st.sampled_from([0.0, 1.0, np.nan]))),
        "string": np.array([*texts, None], dtype=object)[:-1],
        "time": draw(arrays.arrays(np.int64, size, elements=micros)).view("datetime64[us]"),
    }


@given(some_columns())
def test_columns_come_back_as_they_went(columns: Columns) -> None:
    found = to_columns(to_arrow(columns, SCHEMA))
    for name, column in columns.items():
        assert found[name].dtype == column.dtype
        np.testing.assert_array_equal(found[name], column)


@given(some_columns(), st.integers(0, 70), st.integers(0, 70))
def test_a_slice_is_a_slice(columns: Columns, start: int, rows: int) -> None:
    table = to_arrow(columns, SCHEMA)
    start = min(start, table.num_rows)
    rows = min(rows, table.num_rows - start)
    found = to_columns(table.slice(start, rows))
    again, _ = normalized(table.slice(start, rows))
    for name, column in columns.items():
        np.testing.assert_array_equal(found[name], column[start : start + rows])
        np.testing.assert_array_equal(to_columns(again)[name], column[start : start + rows])


def test_nulls_are_nulls_for_every_engine() -> None:
    table = to_arrow({"float": np.array([np.nan, 1.0]), "string": np.array(["", "a"], dtype=object)}, SCHEMA)
    assert [table.column(name).null_count for name in SCHEMA] == [1, 2, 2, 1, 2]
    stream = Table.from_pydict(
        {
            "f": Array.from_numpy(np.array([np.nan, 1.0])),
            "s": Array(["", "a"], type=DataType.large_utf8()),
        }
    )
    again, schema = normalized(stream)
    assert schema == {"f": "float", "s": "string"}
    assert [again.column(name).null_count for name in schema] == [1, 1]


def test_many_texts_and_few_texts_come_back_alike() -> None:
    many = np.array([f"text {number}" if number % 7 else "" for number in range(5_000)], dtype=object)
    few = np.array([f"text {number % 3}" if number % 7 else "" for number in range(5_000)], dtype=object)
    late = np.array(["same"] * 2_000 + [f"text {number}" for number in range(3_000)], dtype=object)
    columns: Columns = {"many": many, "few": few, "late": late}
    found = to_columns(to_arrow(columns, dict.fromkeys(columns, "string")))
    for name, column in columns.items():
        np.testing.assert_array_equal(found[name], column)


def test_chunks_become_one_column() -> None:
    chunks = [Array([number, None], type=DataType.int64()) for number in range(3)]
    found = to_columns(Table([ChunkedArray([*chunks, chunks[0].slice(0, 0)])], names=["n"]))
    np.testing.assert_array_equal(found["n"], [0, np.nan, 1, np.nan, 2, np.nan])
