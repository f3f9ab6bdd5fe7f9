from functools import partial

import pytest

from loopwright.errors import ConflictError, InvalidInputError
from loopwright.ports import Table
from loopwright.ports.table import ABSENT, Key, Put, Value, Version
from tests.contracts.reading import sorts

KEY = Key("model/delays", "alias/champion")


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


def test_only_numbers_can_be_added_to(table: Table) -> None:
    table.put(KEY, {"name": "x", "flag": True})
    for field in ("name", "flag"):
        with pytest.raises(InvalidInputError, match=field):
            table.add(KEY, {field: 1})
