import numpy as np
import pytest

from loopwright.columns import length, times
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.ports import Lake
from loopwright.ports.lake import Between, Selection
from tests.contracts.lake_rows import T, ids, named, rows, texts
from tests.contracts.worlds import DAWN


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
