import numpy as np
import pytest
from arro3.core import Array, ChunkedArray, DataType, Table

from loopwright.columns import Columns, length, times
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.ports import Lake, Platform
from loopwright.ports.lake import Between, Selection
from loopwright.settings import Settings
from tests.contracts.racing import processes, threads
from tests.contracts.worlds import DAWN

T = "predictions/delays"


@pytest.fixture
def lake(platform: Platform) -> Lake:
    return platform.lake


def texts(*values: str) -> np.ndarray:
    return np.array(values, dtype=object)


def rows(start: int, count: int = 3) -> Columns:
    numbers = np.arange(start, start + count, dtype=np.float64)
    return {"id": texts(*(f"r{number:.0f}" for number in numbers)), "at": times(DAWN + numbers), "x": numbers / 2}


def ids(columns: Columns) -> list[str]:
    return sorted(columns["id"].tolist())


def named(start: int, count: int = 3) -> list[str]:
    return sorted(f"r{number}" for number in range(start, start + count))


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


def test_a_selection_chooses_columns_and_times(lake: Lake) -> None:
    for number in range(4):
        lake.append(T, rows(3 * number))
    chosen = lake.read_columns(T, Selection(columns=("x", "id"), where=(Between("at", DAWN + 2, DAWN + 7),)))
    assert list(chosen) == ["x", "id"]
    assert ids(chosen) == named(2, 5)
    only = Selection(columns=("id",), where=(Between("at", low=DAWN + 10),))
    assert ids(lake.read_columns(T, only)) == named(10, 2)
    assert ids(lake.read_columns(T, Selection(where=(Between("at", high=DAWN + 1),)))) == named(0, 1)
    assert ids(lake.read_columns(T, Selection(where=(Between("at", low=DAWN + 99),)))) == []
    assert ids(lake.changed_columns(T, since=0, until=2, selection=only)) == []
    assert ids(lake.changed_columns(T, since=2, until=3, selection=only)) == named(10, 2)
    two = Selection(where=(Between("at", low=DAWN + 2), Between("at", high=DAWN + 4)))
    assert ids(lake.read_columns(T, two, version=2)) == named(2, 2)


def test_a_time_is_compared_to_the_microsecond(lake: Lake) -> None:
    at = np.array(["2013-01-01T00:00:00", "2013-01-01T00:00:00.000001", "NaT"], dtype="datetime64[us]")
    lake.append(T, {"id": texts("a", "b", "null"), "at": at})
    assert ids(lake.read_columns(T, Selection(where=(Between("at", low=DAWN + 1e-6),)))) == ["b"]
    assert ids(lake.read_columns(T, Selection(where=(Between("at", high=DAWN + 1e-6),)))) == ["a"]
    assert ids(lake.read_columns(T, Selection(where=(Between("at"),)))) == ["a", "b"]


def test_a_column_may_have_any_name(lake: Lake) -> None:
    names = ("weather__age", "Ünïcode ☂", "`quo'ted`", "a.b", "SELECT", "UPPER", "upper ")
    lake.append(T, {**{name: np.ones(1) for name in names}, "time x": times([DAWN])})
    chosen = lake.read_columns(T, Selection(columns=names, where=(Between("time x", low=DAWN),)))
    assert list(chosen) == list(names)
    assert length(chosen) == 1
    assert length(lake.changed_columns(T, since=-1, until=0, selection=Selection(where=(Between("time x"),)))) == 1


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(columns=("id", "nope")), "no column nope; it has id, at, x"),
        (Selection(columns=("id", "id")), "twice"),
        (Selection(columns=()), "no column"),
        (Selection(where=(Between("x", 0.0),)), "x must be a time column; it is float"),
        (Selection(where=(Between("nope", 0.0),)), "nope must be a time column; it is not there"),
    ],
)
def test_a_selection_that_does_not_fit_is_refused(lake: Lake, selection: Selection, message: str) -> None:
    lake.append(T, rows(0))
    with pytest.raises(InvalidInputError, match=message):
        lake.read(T, selection)
    with pytest.raises(InvalidInputError, match=message):
        lake.changed_columns(T, since=-1, until=0, selection=selection)


def test_changes_are_what_was_appended_in_between(lake: Lake) -> None:
    for number in range(5):
        lake.append(T, rows(3 * number))
    for since in range(-1, 5):
        for until in range(max(since, 0), 5):
            assert ids(lake.changed_columns(T, since=since, until=until)) == named(3 * since + 3, 3 * (until - since))


def test_what_is_not_there_is_not_found(lake: Lake) -> None:
    lake.append(T, rows(0))
    for act in (
        lambda: lake.read("nothing"),
        lambda: lake.read_columns("nothing"),
        lambda: lake.schema("nothing"),
        lambda: lake.digest("nothing"),
        lambda: lake.changes("nothing", since=-1, until=0),
        lambda: lake.maintain("nothing", keep_seconds=0),
        lambda: lake.read(T, version=1),
        lambda: lake.read(T, version=-1),
        lambda: lake.schema(T, version=1),
        lambda: lake.digest(T, version=1),
        lambda: lake.changes(T, since=0, until=1),
    ):
        with pytest.raises(NotFoundError, match="lake table"):
            act()
    assert lake.version("nothing") is None


def test_tables_may_lie_within_each_other(lake: Lake) -> None:
    for name in ("b", "a/b/c", "a", "a/b", "a_b"):
        lake.append(name, rows(len(name)))
    assert lake.tables() == ["a", "a/b", "a/b/c", "a_b", "b"]
    for name in lake.tables():
        lake.append(name, rows(100))
        lake.maintain(name, keep_seconds=0)
    for name in lake.tables():
        assert ids(lake.read_columns(name)) == sorted(named(len(name)) + named(100))


def test_a_lake_without_tables_is_empty(lake: Lake) -> None:
    assert lake.tables() == []


@pytest.mark.parametrize("name", ["", "/a", "a/", "A", "a b", "..", "a/../b", "a-b", "ä", "a\n", "a//b", "_delta_log/"])
def test_a_name_outside_the_alphabet_is_refused(lake: Lake, name: str) -> None:
    for act in (lambda: lake.append(name, rows(0)), lambda: lake.version(name), lambda: lake.read(name)):
        with pytest.raises(InvalidInputError, match="lake table"):
            act()


def test_a_digest_tells_contents_apart_and_stays(lake: Lake) -> None:
    lake.append(T, rows(0))
    first = lake.digest(T)
    lake.append(T, rows(3))
    assert lake.digest(T) != first
    assert lake.digest(T, version=0) == first
    assert first.startswith("sha256:")
    lake.append("other", rows(1))
    assert lake.digest("other") != first


def test_maintenance_changes_no_version_that_is_kept(lake: Lake) -> None:
    for number in range(6):
        lake.append(T, rows(3 * number))
    digests = {version: lake.digest(T, version=version) for version in range(6)}
    done = lake.maintain(T, keep_seconds=3_600.0)
    assert done.files_before == 6
    assert done.files_after <= 6
    assert done.files_expired == 0
    for version, digest in digests.items():
        assert lake.digest(T, version=version) == digest
        assert ids(lake.read_columns(T, version=version)) == named(0, 3 * version + 3)
    assert ids(lake.read_columns(T)) == named(0, 18)


def test_changes_go_through_maintenance_as_if_there_were_none(lake: Lake) -> None:
    before = [lake.append(T, rows(3 * number)) for number in range(3)]
    lake.maintain(T, keep_seconds=3_600.0)
    after = [lake.append(T, rows(3 * number)) for number in range(3, 6)]
    lake.maintain(T, keep_seconds=3_600.0)
    newest = lake.version(T)
    assert newest is not None
    assert ids(lake.changed_columns(T, since=-1, until=newest)) == named(0, 18)
    assert ids(lake.changed_columns(T, since=before[0], until=after[0])) == named(3, 9)
    assert ids(lake.changed_columns(T, since=before[2], until=newest)) == named(9, 9)
    assert ids(lake.changed_columns(T, since=after[2], until=newest)) == []


def test_kept_versions_outlive_the_others(lake: Lake) -> None:
    versions = [lake.append(T, rows(3 * number)) for number in range(4)]
    digests = [lake.digest(T, version=version) for version in versions]
    lake.maintain(T, keep_seconds=0.0, keep_versions=[versions[1]])
    lake.maintain(T, keep_seconds=0.0, keep_versions=[versions[1]])
    assert lake.digest(T, version=versions[1]) == digests[1]
    assert ids(lake.read_columns(T, version=versions[1])) == named(0, 6)
    assert ids(lake.read_columns(T)) == named(0, 12)
    assert lake.append(T, rows(12), transaction="next") == lake.version(T)
    assert ids(lake.read_columns(T)) == named(0, 15)


def test_concurrent_appends_all_land(lake: Lake) -> None:
    versions = threads(4, lambda number: [lake.append(T, rows(100 * number + 3 * turn)) for turn in range(3)])
    assert sorted(version for each in versions for version in each) == list(range(12))
    assert ids(lake.read_columns(T)) == sorted(
        each for number in range(4) for turn in range(3) for each in named(100 * number + 3 * turn)
    )


def test_new_columns_in_a_race_all_land(lake: Lake) -> None:
    threads(4, lambda number: lake.append(T, {**rows(3 * number), f"new{number}": np.ones(3)}))
    assert set(lake.schema(T)) == {"id", "at", "x", "new0", "new1", "new2", "new3"}
    assert ids(lake.read_columns(T)) == named(0, 12)


def test_a_transaction_in_a_race_appends_once(lake: Lake) -> None:
    versions = threads(4, lambda _: lake.append(T, rows(0), transaction="same"))
    assert set(versions) == {0}
    assert ids(lake.read_columns(T)) == named(0)


def test_processes_append_to_one_table(durable: Platform, settings: Settings) -> None:
    processes(3, settings, append_and_repeat)
    assert ids(durable.lake.read_columns(T)) == sorted(
        named(900) + [each for number in range(3) for turn in range(3) for each in named(100 * number + 3 * turn)]
    )
    assert durable.lake.version(T) == 9


def append_and_repeat(platform: Platform, number: int) -> None:
    platform.lake.append(T, rows(900), transaction="same")
    for turn in range(3):
        platform.lake.append(T, rows(100 * number + 3 * turn))
        platform.lake.append(T, rows(900), transaction="same")


def test_a_reader_and_maintenance_do_not_disturb_each_other(lake: Lake) -> None:
    for number in range(6):
        lake.append(T, rows(3 * number))
    stream = lake.read(T)
    lake.maintain(T, keep_seconds=3_600.0)
    assert Table.from_arrow(stream).num_rows == 18
