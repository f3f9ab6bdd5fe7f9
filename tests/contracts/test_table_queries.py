import pytest

from loopwright.clock import ReplayClock
from loopwright.errors import ConflictError
from loopwright.ports import Table
from loopwright.ports.table import ABSENT, Key, Put, Version
from tests.contracts.reading import sorts
from tests.contracts.worlds import DAWN, Pace

KEY = Key("model/delays", "alias/champion")


def test_a_query_goes_through_one_partition_in_order(table: Table) -> None:
    for sort in ("b", "a", "B", "a/2", "a/10", "é", "☂", "z", "\U0001f300", "\ufffd"):
        table.put(Key("p", sort), {})
    table.put(Key("q", "c"), {})
    in_order = ["B", "a", "a/10", "a/2", "b", "z", "é", "☂", "\ufffd", "\U0001f300"]
    assert sorts(table.query("p")) == in_order
    assert sorts(table.query("p", reverse=True)) == in_order[::-1]
    assert sorts(table.query("p", prefix="a")) == ["a", "a/10", "a/2"]
    assert sorts(table.query("p", prefix="a/", reverse=True)) == ["a/2", "a/10"]
    assert sorts(table.query("p", after="a", before="b")) == ["a/10", "a/2"]
    assert sorts(table.query("p", prefix="a", after="a")) == ["a/10", "a/2"]
    assert sorts(table.query("p", prefix="a", before="a/2")) == ["a", "a/10"]
    assert sorts(table.query("p", prefix="a", after="B", before="z")) == ["a", "a/10", "a/2"]
    assert sorts(table.query("p", after="z", before="a")) == []
    assert sorts(table.query("p", prefix="\ufffd")) == ["\ufffd"]
    assert sorts(table.query("nobody")) == []


def test_a_query_stops_at_its_limit_from_either_end(table: Table, pace: Pace) -> None:
    everything = [f"{number:04}" for number in range(pace.items)]
    table.put_many([Put(Key("p", sort), {}) for sort in everything])
    assert sorts(table.query("p")) == everything
    assert sorts(table.query("p", reverse=True)) == everything[::-1]
    for limit in (0, 1, 256, 257, pace.items - 1, pace.items + 100):
        assert sorts(table.query("p", limit=limit)) == everything[:limit]
        assert sorts(table.query("p", limit=limit, reverse=True)) == everything[::-1][:limit]
    assert sorts(table.query("p", prefix="02", after="0210", limit=300)) == everything[211:300]


def test_versions_are_those_of_the_items_that_the_same_query_yields(
    table: Table, pace: Pace, clock: ReplayClock
) -> None:
    table.put_many([Put(Key("p", f"{number:04}"), {"n": "x" * 2_000}) for number in range(pace.items)])
    table.put(Key("p", "0003"), {"n": 1})
    table.put(Key("p", "0004"), {}, expires=DAWN + 10)
    clock.set(DAWN + 11)
    everything = [(item.key.sort, item.version) for item in table.query("p")]
    assert dict(everything)["0003"] == 2
    assert "0004" not in dict(everything)
    assert list(table.versions("p")) == everything
    assert list(table.versions("p", reverse=True)) == everything[::-1]
    assert list(table.versions("p", prefix="00", after="0001", before="0009", limit=4)) == everything[2:6][:4]
    assert list(table.versions("nobody")) == []


def test_items_may_be_written_while_a_query_is_read(table: Table, pace: Pace) -> None:
    table.put_many([Put(Key("p", f"{number:04}"), {}) for number in range(pace.items)])
    for item in table.query("p"):
        table.put(item.key, {"seen": True})
    assert all(item.value == {"seen": True} for item in table.query("p"))


def test_an_expired_item_is_gone_for_everybody(table: Table, clock: ReplayClock) -> None:
    table.put(KEY, {"a": 1}, expires=DAWN + 10)
    table.put(Key(KEY.partition, "stays"), {}, expires=DAWN + 30)
    clock.set(DAWN + 9)
    assert table.get(KEY)
    clock.set(DAWN + 11)
    assert table.get(KEY) is None
    assert [item is None for item in table.get_many([KEY, Key(KEY.partition, "stays")] * 3)] == [True, False] * 3
    assert sorts(table.query(KEY.partition)) == ["stays"]
    with pytest.raises(ConflictError):
        table.put(KEY, {}, expect=Version(1))
    with pytest.raises(ConflictError):
        table.delete(KEY, expect=Version(1))
    assert table.put(KEY, {"a": 2}, expect=ABSENT) == 1
    clock.set(DAWN + 1_000_000)
    assert table.get(KEY)


def test_counting_starts_at_zero_after_expiry(table: Table, clock: ReplayClock) -> None:
    table.put(KEY, {"count": 5}, expires=DAWN + 10)
    clock.set(DAWN + 11)
    assert table.add(KEY, {"count": 1}) == {"count": 1}


def test_put_many_begins_anew_after_expiry(table: Table, clock: ReplayClock) -> None:
    table.put_many([Put(KEY, {"a": 1}, expires=DAWN + 10)])
    clock.set(DAWN + 11)
    table.put_many([Put(KEY, {"a": 2})])
    found = table.get(KEY)
    assert found
    assert found.version == 1


def test_adding_keeps_the_expiry_and_the_other_fields(table: Table, clock: ReplayClock) -> None:
    table.put(KEY, {"count": 5, "name": "x"}, expires=DAWN + 10)
    assert table.add(KEY, {"count": 2, "sum": 0.5}) == {"count": 7, "name": "x", "sum": 0.5}
    found = table.get(KEY)
    assert found
    assert found.version == 2
    clock.set(DAWN + 11)
    assert table.get(KEY) is None
