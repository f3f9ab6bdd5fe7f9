import numpy as np
import pytest
from arro3.core import Array, ChunkedArray, DataType, Table

from loopwright.columns import Columns, length, times
from loopwright.errors import InvalidInputError
from loopwright.ports import Lake
from tests.contracts.lake_rows import T, ids, named, rows, texts
from tests.contracts.worlds import DAWN


def test_rows_come_back_as_they_were_appended(lake: Lake) -> None:
    appended: Columns = {
        "float": np.array([1.5, np.nan, -0.0]),
        "int": np.array([2.0**53, np.nan, -7.0]),
        "bool": np.array([1.0, np.nan, 0.0]),
        "string": texts("naïve ☂", "", "a"),
        "time": np.array(["2013-01-01T00:00:00.000001", "NaT", "1969-12-31"], dtype="datetime64[us]"),
    }
    version = lake.append(T, appended, schema={"int": "int", "bool": "bool"})
    assert version == lake.version(T) == 0
    types = {"float": "float", "int": "int", "bool": "bool", "string": "string", "time": "time"}
    assert list(lake.schema(T).items()) == list(types.items())
    found = lake.read_columns(T)
    assert list(found) == list(appended)
    for name, column in appended.items():
        assert found[name].dtype == column.dtype
        np.testing.assert_array_equal(found[name], column)


def test_a_stream_has_the_lakes_types(lake: Lake) -> None:
    lake.append(T, {"s": texts("", "a"), "i": np.array([1.0, np.nan]), "t": times([1.0, 2.0])}, schema={"i": "int"})
    table = Table.from_arrow(lake.read(T))
    assert table.column_names == ["s", "i", "t"]
    assert table.column("s").to_pylist() == [None, "a"]
    assert table.column("i").to_pylist() == [1, None]
    assert DataType.is_int64(table.column("i").type)
    assert DataType.is_timestamp(table.column("t").type)


def test_a_stream_brings_its_own_types(lake: Lake) -> None:
    lake.append(
        T,
        Table.from_pydict(
            {
                "int32": Array([1, None, 3], type=DataType.int32()),
                "float32": Array([0.5, None, float("nan")], type=DataType.float32()),
                "large": Array(["a", None, ""], type=DataType.large_utf8()),
                "view": Array(["a", None, ""], type=DataType.utf8()).cast(DataType.string_view()),
                "coded": Array(["a", None, "a"], type=DataType.utf8()).cast(
                    DataType.dictionary(DataType.int32(), DataType.utf8())
                ),
                "naive": Array([1_000, None, 2_000], type=DataType.int64()).cast(DataType.timestamp("ms")),
                "date": Array([1, None, 2], type=DataType.int32()).cast(DataType.date32()),
                "bool": Array([True, None, False], type=DataType.bool()),
            }
        ),
    )
    found = lake.read_columns(T)
    assert lake.schema(T) == {
        "int32": "int",
        "float32": "float",
        "large": "string",
        "view": "string",
        "coded": "string",
        "naive": "time",
        "date": "time",
        "bool": "bool",
    }
    assert found["large"].tolist() == found["view"].tolist() == ["a", "", ""]
    assert found["coded"].tolist() == ["a", "", "a"]
    np.testing.assert_array_equal(found["int32"], [1, np.nan, 3])
    np.testing.assert_array_equal(found["float32"], [0.5, np.nan, np.nan])
    np.testing.assert_array_equal(found["bool"], [1, np.nan, 0])
    assert found["naive"].tolist()[0] == times([1.0]).tolist()[0]
    assert np.isnat(found["naive"][1])
    assert found["date"].tolist()[2] == times([2 * 86_400.0]).tolist()[0]


def test_a_stream_of_several_batches_arrives_whole(lake: Lake) -> None:
    chunks = [Array([f"a{number}", None], type=DataType.utf8()) for number in range(5)]
    lake.append(T, Table([ChunkedArray(chunks)], names=["s"]))
    assert sorted(lake.read_columns(T)["s"]) == ["", "", "", "", "", "a0", "a1", "a2", "a3", "a4"]


def test_a_type_that_no_lake_keeps_is_refused(lake: Lake) -> None:
    with pytest.raises(InvalidInputError, match="column deep"):
        lake.append(T, Table.from_pydict({"deep": Array([b"1"], type=DataType.binary())}))
    with pytest.raises(InvalidInputError, match="column deep"):
        lake.append(T, {"deep": np.array([1j])})  # type: ignore[dict-item] # that is what it is about
    assert lake.version(T) is None


@pytest.mark.parametrize("name", ["", 'say "x"', "a\n", "\x00"])
def test_a_column_needs_a_name_that_every_engine_can_quote(lake: Lake, name: str) -> None:
    for version in (None, 0):
        with pytest.raises(InvalidInputError, match="column"):
            lake.append(T, {"x": np.ones(1), name: np.ones(1)})
        assert lake.version(T) == version
        lake.append(T, {"x": np.ones(1)}, transaction="once")


def test_columns_of_different_lengths_are_refused(lake: Lake) -> None:
    with pytest.raises(InvalidInputError, match="differ in length"):
        lake.append(T, {"a": np.zeros(2), "b": np.zeros(3)})
    with pytest.raises(InvalidInputError, match="without columns"):
        lake.append(T, {})
    with pytest.raises(InvalidInputError, match="lack"):
        lake.append(T, {"a": np.zeros(2)}, schema={"b": "int"})


def test_every_append_makes_the_next_version(lake: Lake) -> None:
    assert [lake.append(T, rows(3 * number)) for number in range(4)] == [0, 1, 2, 3]
    assert lake.version(T) == 3
    for version in range(4):
        assert ids(lake.read_columns(T, version=version)) == named(0, 3 * (version + 1))
    assert ids(lake.read_columns(T)) == named(0, 12)


def test_appending_no_rows_makes_no_version(lake: Lake) -> None:
    lake.append(T, rows(0))
    assert lake.append(T, rows(0, 0)) == 0
    assert lake.append(T, {**rows(0, 0), "new": np.zeros(0)}) == 0
    assert lake.version(T) == 0
    assert "new" not in lake.schema(T)


def test_a_table_may_begin_without_rows(lake: Lake) -> None:
    assert lake.append(T, {"id": texts(), "n": np.zeros(0)}, schema={"n": "int"}) == 0
    assert lake.schema(T) == {"id": "string", "n": "int"}
    assert length(lake.read_columns(T)) == 0
    lake.append(T, {"id": texts("a"), "n": np.ones(1)})
    assert lake.schema(T) == {"id": "string", "n": "int"}


def test_new_columns_are_null_in_older_rows_and_missing_ones_in_newer(lake: Lake) -> None:
    lake.append(T, {"id": texts("a"), "x": np.array([1.0])})
    lake.append(T, {"id": texts("b"), "n": np.array([2.0]), "s": texts("s")}, schema={"n": "int"})
    assert list(lake.schema(T)) == ["id", "x", "n", "s"]
    assert list(lake.schema(T, version=0)) == ["id", "x"]
    assert list(lake.read_columns(T, version=0)) == ["id", "x"]
    found = lake.read_columns(T)
    order = np.argsort(found["id"])
    np.testing.assert_array_equal(found["x"][order], [1.0, np.nan])
    np.testing.assert_array_equal(found["n"][order], [np.nan, 2.0])
    assert found["s"][order].tolist() == ["", "s"]
    changed = lake.changed_columns(T, since=-1, until=1)
    assert list(changed) == ["id", "x", "n", "s"]
    np.testing.assert_array_equal(changed["n"][np.argsort(changed["id"])], [np.nan, 2.0])
    assert list(lake.changed_columns(T, since=-1, until=0)) == ["id", "x"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"id": np.zeros(1)}, "column id is string; the rows have float"),
        ({"x": texts("a")}, "column x is float; the rows have string"),
        ({"n": np.array([0.5])}, "column n is int; the rows have float"),
        ({"n": np.array([np.inf])}, "column n is int; the rows have float"),
        ({"b": np.array([2.0])}, "column b is bool; the rows have float"),
        ({"t": texts("a")}, "column t is time; the rows have string"),
        ({"t": np.zeros(1)}, "column t is time; the rows have float"),
    ],
)
def test_a_type_never_changes(lake: Lake, changed: Columns, message: str) -> None:
    columns = {"id": texts("a"), "x": np.ones(1), "n": np.ones(1), "b": np.ones(1), "t": times([DAWN])}
    lake.append(T, columns, schema={"n": "int", "b": "bool"})
    with pytest.raises(InvalidInputError, match=message):
        lake.append(T, {**columns, **changed})
    with pytest.raises(InvalidInputError, match="column x is float; the rows have int"):
        lake.append(T, columns, schema={"x": "int"})
    with pytest.raises(InvalidInputError, match="column x is float; the rows have int"):
        lake.append(T, Table.from_pydict({"x": Array([1], type=DataType.int64())}))
    assert lake.version(T) == 0


def test_an_array_of_floats_takes_the_tables_type(lake: Lake) -> None:
    lake.append(T, {"n": np.ones(1), "b": np.ones(1)}, schema={"n": "int", "b": "bool"})
    lake.append(T, {"n": np.array([5.0]), "b": np.array([np.nan])})
    found = lake.read_columns(T)
    assert sorted(found["n"]) == [1.0, 5.0]
    assert lake.schema(T) == {"n": "int", "b": "bool"}


def test_a_repeated_transaction_appends_nothing(lake: Lake) -> None:
    assert lake.append(T, rows(0), transaction="t0") == 0
    assert lake.append(T, rows(3), transaction="t1") == 1
    assert lake.append(T, rows(6)) == 2
    assert lake.append(T, rows(0), transaction="t0") == 0
    assert lake.append(T, rows(9), transaction="t1") == 1
    assert lake.version(T) == 2
    assert ids(lake.read_columns(T)) == named(0, 9)
    lake.append("other", rows(0), transaction="t0")
    assert ids(lake.read_columns("other")) == named(0)
