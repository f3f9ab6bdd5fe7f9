import pytest

from loopwright.errors import ConflictError, InvalidInputError
from loopwright.ports import Table
from loopwright.ports.table import ABSENT, TRANSACT_LIMIT, Add, Check, Delete, Key, Put, Version, Write

KEY = Key("model/delays", "alias/champion")


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
