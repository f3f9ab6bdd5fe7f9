"""What Firestore does that no other provider does: it aborts, refuses in the middle of an answer, loses answers."""

import pytest

from adapters.gcp.table import FirestoreTable
from loopwright.errors import ConflictError, DeniedError, UnavailableError
from loopwright.ports.table import ABSENT, Add, Check, Delete, Key, Put, Value, Version
from tests.clouds.google.faulty import Body, Faulty, Forward, Lost, Refused, lost, refused

KEY = Key("model/delays", "alias/champion")
OTHER = Key("model/delays", "alias/challenger")
THROTTLED = refused(429, "RESOURCE_EXHAUSTED")
ABORTED = refused(409, "ABORTED")
DENIED = refused(403, "PERMISSION_DENIED")


def found(table: FirestoreTable, key: Key = KEY) -> tuple[dict[str, Value], int] | None:
    item = table.get(key)
    return (dict(item.value), item.version) if item else None


def test_throttled_calls_are_made_again(table: FirestoreTable, firestore: Faulty) -> None:
    for operation in ("commit", "batchGet", "runQuery", "batchWrite"):
        firestore.faults[operation] = [THROTTLED, refused(503, "UNAVAILABLE"), refused(500, "INTERNAL")]
    table.put(KEY, {"n": 1})
    table.put_many([Put(OTHER, {"n": 2})])
    assert [item.value for item in table.query(KEY.partition)] == [{"n": 2}, {"n": 1}]
    assert not any(firestore.faults.values())


def test_who_is_throttled_for_long_is_told_so(table: FirestoreTable, firestore: Faulty) -> None:
    firestore.faults["commit"] = [THROTTLED] * 7
    with pytest.raises(UnavailableError, match="alias/champion"):
        table.put(KEY, {})
    firestore.faults["batchGet"] = [THROTTLED] * 7
    with pytest.raises(UnavailableError):
        table.add(KEY, {"n": 1})
    assert not any(firestore.faults.values())


def test_an_account_without_permission_is_denied(table: FirestoreTable, firestore: Faulty) -> None:
    firestore.faults = {name: [DENIED] for name in ("commit", "runQuery", "batchWrite")}
    with pytest.raises(DeniedError, match="alias/champion"):
        table.put(KEY, {})
    with pytest.raises(DeniedError):
        list(table.query("p"))
    with pytest.raises(DeniedError):
        table.put_many([Put(KEY, {})])
    firestore.faults["batchGet"] = [DENIED] * 2
    with pytest.raises(DeniedError):
        table.get(KEY)
    with pytest.raises(DeniedError):
        table.delete(KEY)


def test_an_answer_that_breaks_off_is_asked_for_again(table: FirestoreTable, firestore: Faulty) -> None:
    def broken_off(status: int, code: str) -> Body:
        return lambda body, forward: [*forward(body)[:1], {"error": {"code": status, "status": code, "message": "x"}}]

    table.put(KEY, {"n": 1})
    table.put(OTHER, {"n": 2})
    busy = broken_off(503, "UNAVAILABLE")
    firestore.faults = {"batchGet": [busy, busy], "runQuery": [busy]}
    assert [item and item.value for item in table.get_many([KEY, OTHER])] == [{"n": 1}, {"n": 2}]
    assert len(list(table.query(KEY.partition))) == 2
    firestore.faults = {"batchGet": [busy] * 7, "runQuery": [broken_off(403, "PERMISSION_DENIED")]}
    with pytest.raises(UnavailableError, match="UNAVAILABLE"):
        table.get(KEY)
    with pytest.raises(DeniedError):
        list(table.query(KEY.partition))
    assert not any(firestore.faults.values())


def test_a_write_whose_answer_is_lost_is_done_once(table: FirestoreTable, firestore: Faulty) -> None:
    firestore.faults["commit"] = [lost]
    assert table.put(KEY, {"n": 1}) == 1
    firestore.faults["commit"] = [lost, lost]
    assert table.put(OTHER, {}, expect=ABSENT) == 1
    firestore.faults["commit"] = [lost]
    assert table.add(KEY, {"n": 1}) == {"n": 2}
    firestore.faults["commit"] = [lost]
    table.transact([Add(KEY, {"n": 1}), Put(OTHER, {"new": True}, Version(1))])
    firestore.faults["commit"] = [lost]
    table.transact([Add(KEY, {"n": 1}), Check(OTHER, Version(2))])
    firestore.faults["commit"] = [lost]
    table.transact([Add(KEY, {"n": 1}), Check(Key("nobody", "s"), ABSENT)])
    firestore.faults["batchWrite"] = [lost]
    table.put_many([Put(OTHER, {"n": 1}), Put(Key("p", "s"), {})])
    assert found(table) == ({"n": 5}, 5)
    assert found(table, OTHER) == ({"n": 1}, 3)
    assert found(table, Key("p", "s")) == ({}, 1)
    assert not any(firestore.faults.values())


def test_a_deletion_whose_answer_is_lost_is_no_conflict(table: FirestoreTable, firestore: Faulty) -> None:
    table.put_many([Put(KEY, {}), Put(OTHER, {})])
    firestore.faults["commit"] = [lost]
    table.delete(KEY, expect=Version(1))
    table.put(KEY, {})
    firestore.faults["commit"] = [lost]
    table.transact([Delete(KEY, Version(1)), Delete(OTHER), Check(Key("p", "s"), ABSENT)])
    assert table.get_many([KEY, OTHER]) == [None, None]
    assert list(table.query(KEY.partition)) == []


def test_a_deletion_that_somebody_else_did_is_a_conflict(
    table: FirestoreTable, others: FirestoreTable, firestore: Faulty
) -> None:
    def beaten(_: Body, __: Forward) -> Body:
        others.delete(KEY, expect=Version(1))
        raise Lost

    table.put(KEY, {})
    firestore.faults["commit"] = [beaten]
    with pytest.raises(ConflictError, match="nothing"):
        table.delete(KEY, expect=Version(1))


def test_a_deletion_spares_what_was_made_after_it(
    table: FirestoreTable, others: FirestoreTable, firestore: Faulty
) -> None:
    def made_anew(body: Body, forward: Forward) -> Body:
        forward(body)
        others.put(KEY, {"new": True})
        raise Lost

    table.put(KEY, {})
    firestore.faults["commit"] = [made_anew]
    table.delete(KEY)
    assert found(table) == ({"new": True}, 1)


def test_a_write_is_recognised_though_others_have_written_since(
    table: FirestoreTable, others: FirestoreTable, firestore: Faulty
) -> None:
    def overtaken(body: Body, forward: Forward) -> Body:
        forward(body)
        for _ in range(7):
            others.add(KEY, {"n": 10})
        raise Lost

    firestore.faults["commit"] = [overtaken]
    assert table.put(KEY, {"n": 0}, expect=ABSENT) == 1
    assert found(others) == ({"n": 70}, 8)
    firestore.faults["commit"] = [overtaken]
    assert table.add(KEY, {"n": 1}) == {"n": 71}
    assert found(others) == ({"n": 141}, 16)
    firestore.faults["commit"] = [overtaken]
    assert table.put(KEY, {"n": 0}) == 17
    firestore.faults["batchWrite"] = [overtaken]
    table.put_many([Put(KEY, {"n": 0})])
    assert found(others) == ({"n": 70}, 32)


def test_who_was_beaten_decides_again_on_what_is_there_now(
    table: FirestoreTable, others: FirestoreTable, firestore: Faulty
) -> None:
    def beaten(body: Body, forward: Forward) -> Body:
        others.add(KEY, {"n": 10})
        return forward(body)

    firestore.faults["commit"] = [beaten] * 3
    assert table.add(KEY, {"n": 1}) == {"n": 31}
    firestore.faults["commit"] = [ABORTED, beaten]
    table.transact([Add(KEY, {"n": 1}), Put(OTHER, {})])
    assert found(others) == ({"n": 42}, 6)
    firestore.faults["commit"] = [beaten]
    with pytest.raises(ConflictError, match="version 7"):
        table.put(KEY, {}, expect=Version(6))
    firestore.faults["batchWrite"] = [beaten, beaten]
    table.put_many([Put(KEY, {"n": 0})])
    assert found(others) == ({"n": 0}, 10)


def test_writes_wait_for_a_transaction_to_end(table: FirestoreTable, firestore: Faulty) -> None:
    table.put(KEY, {"n": 1})
    firestore.faults = {"batchGet": [ABORTED] * 2, "commit": [ABORTED] * 2}
    table.transact([Check(OTHER, ABSENT), Put(KEY, {}, Version(1))])
    firestore.faults = {"batchGet": [ABORTED], "commit": [ABORTED]}
    table.delete(KEY)
    assert table.get_many([KEY, OTHER]) == [None, None]
    assert not any(firestore.faults.values())


def test_some_of_a_bulk_load_may_have_to_wait(table: FirestoreTable, others: FirestoreTable, firestore: Faulty) -> None:
    def busy(body: Body, forward: Forward) -> Body:
        """Write every third document only."""
        answers = [
            {"status": [{"code": code, "message": "busy"}]} if code else forward({"writes": [write]})
            for code, write in zip([0, 10, 14] * len(body["writes"]), body["writes"], strict=False)
        ]
        return {"status": [answer["status"][0] for answer in answers]}

    keys = [Key("p", f"{number:02}") for number in range(20)]
    firestore.faults["batchWrite"] = [busy, busy]
    table.put_many([Put(key, {"sort": key.sort}) for key in keys])
    assert [(item.value["sort"], item.version) for item in others.query("p")] == [(key.sort, 1) for key in keys]
    assert [len(body["writes"]) for body in firestore.bodies("batchWrite")] == [20, 13, 8]
    firestore.faults["batchWrite"] = [lambda *_: {"status": [{"code": 7, "message": "no"}]}]
    with pytest.raises(DeniedError, match="champion"):
        table.put_many([Put(KEY, {})])


def test_puts_of_one_key_keep_their_order(table: FirestoreTable) -> None:
    table.put_many([Put(KEY, {"n": number}) for number in range(9)])
    assert found(table) == ({"n": 8}, 9)


def test_who_is_beaten_for_ever_gives_up(table: FirestoreTable, firestore: Faulty) -> None:
    firestore.faults = {"commit": [ABORTED] * 100, "batchWrite": [lambda *_: {"status": [{"code": 10}]}] * 100}
    with pytest.raises(UnavailableError, match="too many"):
        table.transact([Put(KEY, {}), Put(OTHER, {})])
    with pytest.raises(UnavailableError, match="too many"):
        table.put_many([Put(KEY, {})])
    assert found(table) is None


def test_a_transaction_that_can_never_succeed_is_sent_once(table: FirestoreTable, firestore: Faulty) -> None:
    firestore.faults["commit"] = [refused(400, "INVALID_ARGUMENT", "the document is too large")]
    with pytest.raises(UnavailableError, match="too large"):
        table.transact([Put(KEY, {}), Delete(OTHER), Check(Key("p", "s"), ABSENT)])
    assert len(firestore.bodies("commit")) == 1


def test_a_version_is_checked_when_the_transaction_is_done(
    table: FirestoreTable, others: FirestoreTable, firestore: Faulty
) -> None:
    def beaten(body: Body, forward: Forward) -> Body:
        others.put(KEY, {"n": 2})
        return forward(body)

    table.put(KEY, {"n": 1})
    firestore.faults["commit"] = [beaten]
    with pytest.raises(ConflictError, match="version 2"):
        table.transact([Check(KEY, Version(1)), Put(OTHER, {}, ABSENT)])
    assert found(table, OTHER) is None


def test_what_is_checked_to_be_absent_is_so_until_the_transaction_is_done(
    table: FirestoreTable, firestore: Faulty
) -> None:
    def meddle(body: Body, forward: Forward) -> Body:
        with pytest.raises(Refused, match="ABORTED"):
            forward({"writes": [made]})
        return forward(body)

    table.put(KEY, {"n": 1})
    (made,) = firestore.bodies("commit")[0]["writes"]
    table.delete(KEY)
    firestore.faults["commit"] = [meddle]
    table.transact([Check(KEY, ABSENT), Put(OTHER, {}, ABSENT)])
    assert found(table) is None
    assert found(table, OTHER) == ({}, 1)


def test_a_check_changes_nothing(table: FirestoreTable, firestore: Faulty) -> None:
    table.put(KEY, {"n": 1}, expires=1.5)
    table.get(KEY)
    table.transact([Check(KEY, Version(1)), Put(OTHER, {})])
    table.get(KEY)
    assert found(table) == ({"n": 1}, 1)
    table.transact([Check(KEY, Version(1)), Put(OTHER, {})])
    (first, second) = (
        next(act["currentDocument"] for act in body["writes"] if act["update"]["name"].endswith("616d70696f6e"))
        for body in firestore.bodies("commit")[1:]
    )
    assert first == second


def test_a_transaction_that_is_given_up_locks_nothing(
    table: FirestoreTable, others: FirestoreTable, firestore: Faulty
) -> None:
    nobody = Check(Key("p", "nobody"), ABSENT)
    table.put(KEY, {"n": 1})
    with pytest.raises(ConflictError):
        table.transact([nobody, Put(KEY, {}, Version(2))])
    firestore.faults["commit"] = [DENIED]
    with pytest.raises(DeniedError):
        table.transact([nobody, Put(KEY, {})])
    table.transact([nobody, Delete(OTHER)])
    table.transact([Check(KEY, Version(1)), nobody])
    assert len(firestore.bodies("rollback")) == 3
    assert others.put(KEY, {"n": 2}) == 2
    assert others.put(nobody.key, {}) == 1


def test_only_a_check_for_nothing_locks_anything(table: FirestoreTable, firestore: Faulty) -> None:
    table.put(KEY, {}, expect=ABSENT)
    table.add(KEY, {"n": 1})
    table.transact(
        [Put(Key("p", "t"), {}, ABSENT), Check(KEY, Version(2)), Delete(OTHER), Add(Key("p", "s"), {"n": 1})]
    )
    table.put_many([Put(KEY, {})])
    table.delete(KEY, expect=Version(3))
    assert not any("newTransaction" in body for body in firestore.bodies("batchGet"))


def test_an_item_says_when_firestore_may_remove_it(table: FirestoreTable, firestore: Faulty) -> None:
    table.put(KEY, {}, expires=10.5)
    table.put(KEY, {}, expires=1e15, expect=Version(1))
    table.put(KEY, {})
    fields = [body["writes"][0]["update"]["fields"] for body in firestore.bodies("commit")]
    assert fields[0]["expires"] == {"timestampValue": "1970-01-01T00:00:11Z"}
    assert fields[1]["expires"] == {"timestampValue": "9999-12-31T23:59:59Z"}
    assert "expires" not in fields[2]


def test_operations_take_as_many_calls_as_they_say(table: FirestoreTable, firestore: Faulty) -> None:
    def calls() -> list[str]:
        made = [operation for operation, _ in firestore.calls]
        firestore.calls.clear()
        return made

    table.get(KEY)
    table.delete(KEY)
    assert calls() == ["batchGet"] * 2
    table.put(KEY, {})
    table.add(KEY, {"n": 1})
    table.transact([Put(KEY, {}), Check(OTHER, ABSENT)])
    table.delete(KEY, expect=Version(3))
    assert calls() == ["batchGet", "commit"] * 4
    table.put_many([Put(Key("p", f"{number:04}"), {}) for number in range(500)])
    assert calls() == ["batchGet", "batchGet", "batchWrite"]
    assert len(list(table.query("p"))) == 500
    assert calls() == ["runQuery"] * 2
