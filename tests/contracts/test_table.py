from functools import partial

import pytest

from loopwright.clock import ReplayClock
from loopwright.errors import ConflictError, InvalidInputError
from loopwright.ports import Platform, Table
from loopwright.ports.table import ABSENT, TRANSACT_LIMIT, Add, Check, Delete, Key, Put, Value, Version, Write
from loopwright.settings import Settings
from tests.contracts.racing import processes, threads, won
from tests.contracts.worlds import DAWN

KEY = Key("model/delays", "alias/champion")


@pytest.fixture
def table(platform: Platform) -> Table:
    return platform.table


def sorts(items: object) -> list[str]:
    return [item.key.sort for item in items]  # type: ignore[attr-defined] # an iterator of items


def test_an_item_comes_back_as_it_was_put(table: Table) -> None:
    value: dict[str, Value] = {
        "none": None,
        "true": True,
        "int": -(2**62),
        "float": 0.1,
        "whole": 1.0,
        "text": "naïve ☂ \x00",
        "bytes": b"\x00\xff",
        "list": [1, [2.5], {"a": None}],
        "dict": {"": {"deep": b""}},
    }
    assert table.put(KEY, value) == 1
    found = table.get(KEY)
    assert found
    assert (found.key, dict(found.value), found.version) == (KEY, value, 1)
    assert isinstance(found.value["whole"], float)


def test_a_missing_item_is_none(table: Table) -> None:
    assert table.get(KEY) is None


def test_what_a_reader_does_to_its_copy_stays_with_it(table: Table) -> None:
    value: dict[str, Value] = {"list": [1]}
    table.put(KEY, value)
    value["list"] = "changed"
    first = table.get(KEY)
    assert first
    first.value["list"].append(2)  # type: ignore[union-attr] # it is a list
    second = table.get(KEY)
    assert second
    assert second.value == {"list": [1]}


def test_a_put_replaces_the_whole_item_and_counts_it(table: Table) -> None:
    table.put(KEY, {"a": 1})
    assert table.put(KEY, {"b": 2}) == 2
    found = table.get(KEY)
    assert found
    assert (found.value, found.version) == ({"b": 2}, 2)


def test_versions_begin_anew_when_the_item_has_been_away(table: Table) -> None:
    table.put(KEY, {})
    table.put(KEY, {})
    table.delete(KEY)
    assert table.put(KEY, {}) == 1


@pytest.mark.parametrize(
    "value",
    [{"a": float("nan")}, {"a": [float("inf")]}, {"a": 2**70}, {"a": object()}, {1: "a"}, {"a": {1: 2}}, {"a": {1, 2}}],
)
def test_what_an_item_may_not_hold_is_refused(table: Table, value: dict[str, Value]) -> None:
    with pytest.raises(InvalidInputError, match="alias/champion"):
        table.put(KEY, value)
    with pytest.raises(InvalidInputError):
        table.put_many([Put(KEY, value)])
    assert table.get(KEY) is None


def test_an_item_has_up_to_a_megabyte(table: Table) -> None:
    table.put(KEY, {"data": bytes(1_000_000)})
    found = table.get(KEY)
    assert found
    assert len(found.value["data"]) == 1_000_000  # type: ignore[arg-type] # bytes
    with pytest.raises(InvalidInputError, match="the most"):
        table.put(KEY, {"data": bytes(1_100_000)})


@pytest.mark.parametrize("part", ["", "x" * 513, "é" * 257, "a\x00b", "a\n", "\x7f", "\udc80"])
def test_a_key_that_is_no_key_is_refused(table: Table, part: str) -> None:
    for key in (Key(part, "a"), Key("a", part)):
        for act in (
            partial(table.get, key),
            partial(table.get_many, [KEY] * 5 + [key]),
            partial(table.put, key, {}),
            partial(table.put_many, [Put(key, {})]),
            partial(table.delete, key),
            partial(table.add, key, {"a": 1}),
            partial(table.transact, [Put(key, {})]),
        ):
            with pytest.raises(InvalidInputError, match="table key"):
                act()
    with pytest.raises(InvalidInputError, match="table key"):
        table.query(part)


@pytest.mark.parametrize("part", ["x" * 512, "é" * 256, "a b/c#|☂", "'; DROP TABLE items; --", "\u2028", "\U0010ffff"])
def test_any_other_text_is_a_key(table: Table, part: str) -> None:
    table.put(Key(part, part), {"a": 1})
    assert table.get(Key(part, part))
    assert sorts(table.query(part, prefix=part)) == [part]


@pytest.mark.parametrize("expect", [ABSENT, None])
def test_a_new_item_is_absent_before(table: Table, expect: None) -> None:
    assert table.put(KEY, {"a": 1}, expect=expect) == 1


def test_absent_is_refused_where_there_is_an_item(table: Table) -> None:
    table.put(KEY, {"a": 1})
    with pytest.raises(ConflictError, match="alias/champion"):
        table.put(KEY, {"a": 2}, expect=ABSENT)
    found = table.get(KEY)
    assert found
    assert found.value == {"a": 1}


def test_a_version_is_refused_when_the_item_moved_on(table: Table) -> None:
    table.put(KEY, {"a": 1})
    assert table.put(KEY, {"a": 2}, expect=Version(1)) == 2
    for expect in (Version(1), Version(3)):
        with pytest.raises(ConflictError, match="version 2"):
            table.put(KEY, {"a": 3}, expect=expect)
        with pytest.raises(ConflictError, match="version 2"):
            table.delete(KEY, expect=expect)
    found = table.get(KEY)
    assert found
    assert found.value == {"a": 2}


def test_a_version_is_refused_where_there_is_nothing(table: Table) -> None:
    with pytest.raises(ConflictError, match="nothing"):
        table.put(KEY, {}, expect=Version(1))
    with pytest.raises(ConflictError, match="nothing"):
        table.delete(KEY, expect=Version(1))


def test_deleting_what_is_not_there_does_nothing(table: Table) -> None:
    table.delete(KEY)
    table.put(KEY, {})
    table.delete(KEY, expect=Version(1))
    assert table.get(KEY) is None


def test_get_many_keeps_order_and_repeats(table: Table) -> None:
    keys = [Key(f"p{number % 3}", f"s{number}") for number in range(500)]
    table.put_many([Put(key, {"sort": key.sort}) for key in keys[::2]])
    asked = [*reversed(keys), keys[0], keys[1], keys[0]]
    found = table.get_many(asked)
    assert [item and item.value["sort"] for item in found] == [
        key.sort if int(key.sort[1:]) % 2 == 0 else None for key in asked
    ]
    assert [item and item.key for item in found if item] == [key for key in asked if int(key.sort[1:]) % 2 == 0]
    assert table.get_many([]) == []


def test_put_many_replaces_and_counts(table: Table) -> None:
    table.put(KEY, {"a": 1})
    table.put_many([Put(KEY, {"a": 2}), Put(Key("p", "s"), {"a": 3})])
    found = table.get_many([KEY, Key("p", "s")])
    assert [(item.value["a"], item.version) for item in found if item] == [(2, 2), (3, 1)]


def test_put_many_takes_no_expectations(table: Table) -> None:
    with pytest.raises(InvalidInputError, match="expect"):
        table.put_many([Put(KEY, {}), Put(Key("p", "s"), {}, ABSENT)])
    assert table.get(KEY) is None


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


def test_a_query_stops_at_its_limit_from_either_end(table: Table) -> None:
    table.put_many([Put(Key("p", f"{number:04}"), {}) for number in range(600)])
    everything = [f"{number:04}" for number in range(600)]
    assert sorts(table.query("p")) == everything
    assert sorts(table.query("p", reverse=True)) == everything[::-1]
    for limit in (0, 1, 256, 257, 599, 700):
        assert sorts(table.query("p", limit=limit)) == everything[:limit]
        assert sorts(table.query("p", limit=limit, reverse=True)) == everything[::-1][:limit]
    assert sorts(table.query("p", prefix="03", after="0310", limit=300)) == everything[311:400]


def test_items_may_be_written_while_a_query_is_read(table: Table) -> None:
    table.put_many([Put(Key("p", f"{number:04}"), {}) for number in range(600)])
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


def test_only_numbers_can_be_added_to(table: Table) -> None:
    table.put(KEY, {"name": "x", "flag": True})
    for field in ("name", "flag"):
        with pytest.raises(InvalidInputError, match=field):
            table.add(KEY, {field: 1})


def test_a_transaction_does_all_of_it(table: Table) -> None:
    table.put(KEY, {"a": 1})
    others = [Key("p", name) for name in ("new", "gone", "count")]
    table.put(others[1], {})
    table.transact(
        [
            Check(KEY, Version(1)),
            Put(others[0], {"b": 2}, ABSENT),
            Delete(others[1], Version(1)),
            Add(others[2], {"n": 3}),
        ]
    )
    found = table.get_many([KEY, *others])
    assert [item and (dict(item.value), item.version) for item in found] == [
        ({"a": 1}, 1),
        ({"b": 2}, 1),
        None,
        ({"n": 3}, 1),
    ]


@pytest.mark.parametrize(
    "refused",
    [
        Check(KEY, ABSENT),
        Check(KEY, Version(2)),
        Check(Key("p", "nobody"), Version(1)),
        Put(KEY, {}, ABSENT),
        Put(KEY, {}, Version(7)),
        Delete(KEY, Version(7)),
    ],
)
def test_a_transaction_whose_expectation_fails_does_nothing(table: Table, refused: Write) -> None:
    table.put(KEY, {"a": 1})
    with pytest.raises(ConflictError, match=refused.key.sort):
        table.transact([Put(Key("p", "first"), {}), Add(Key("p", "second"), {"n": 1}), refused])
    assert table.get_many([Key("p", "first"), Key("p", "second")]) == [None, None]
    found = table.get(KEY)
    assert found
    assert (found.value, found.version) == ({"a": 1}, 1)


def test_a_transaction_with_an_invalid_value_does_nothing(table: Table) -> None:
    with pytest.raises(InvalidInputError):
        table.transact([Put(Key("p", "first"), {}), Put(KEY, {"a": float("nan")})])
    assert table.get(Key("p", "first")) is None


def test_a_transaction_has_its_limits(table: Table) -> None:
    writes = [Put(Key("p", str(number)), {}) for number in range(TRANSACT_LIMIT)]
    with pytest.raises(InvalidInputError, match="101"):
        table.transact([*writes, Put(Key("p", "more"), {})])
    with pytest.raises(InvalidInputError, match="two writes"):
        table.transact([*writes[:2], Check(writes[0].key, ABSENT)])
    assert list(table.query("p")) == []
    table.transact(writes)
    table.transact([])
    assert len(list(table.query("p"))) == TRANSACT_LIMIT


def test_no_addition_is_lost_in_a_race(table: Table) -> None:
    threads(4, lambda _: [table.add(KEY, {"n": 1, "half": 0.5}) for _ in range(25)])
    found = table.get(KEY)
    assert found
    assert (found.value, found.version) == ({"n": 100, "half": 50.0}, 100)


def test_of_transactions_in_a_race_one_wins(table: Table) -> None:
    table.put(KEY, {"at": 0})

    def move(number: int) -> bool:
        mine = Key("moves", str(number))
        return won(lambda: table.transact([Put(mine, {}, ABSENT), Put(KEY, {"at": number}, Version(1))]))

    wins = threads(8, move)
    assert sum(wins) == 1
    assert sorts(table.query("moves")) == [str(wins.index(True))]


def test_readers_never_see_half_a_transaction(table: Table) -> None:
    pair = [Key("pair", "left"), Key("pair", "right")]
    table.transact([Put(key, {"n": 0}) for key in pair])

    def act(number: int) -> None:
        for turn in range(100):
            if number == 0:
                table.transact([Put(key, {"n": turn}) for key in pair])
            else:
                assert len({item.value["n"] for item in table.query("pair")}) == 1

    threads(3, act)


def test_processes_race_as_threads_do(durable: Platform, settings: Settings) -> None:
    versions = processes(3, settings, add_and_claim)
    found = durable.table.get(KEY)
    assert found
    assert found.value == {"n": 90}
    assert sum(versions) == 1


def add_and_claim(platform: Platform, number: int) -> bool:
    for _ in range(30):
        platform.table.add(KEY, {"n": 1})
    return won(lambda: platform.table.put(Key("claim", "it"), {"by": number}, expect=ABSENT))
