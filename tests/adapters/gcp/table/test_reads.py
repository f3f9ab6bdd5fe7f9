"""Reads of several items are of one moment, in however many calls."""

import pytest

from adapters.gcp.table import FirestoreTable
from loopwright.ports.table import Key, Put
from tests.clouds.google.faulty import Body, Faulty, Forward, refused

KEYS = [Key("p", f"{number:04}") for number in range(400)]
ENDS = [KEYS[0], KEYS[-1]]


@pytest.fixture(autouse=True)
def _loaded(table: FirestoreTable) -> None:
    table.put_many([Put(key, {"n": 0}) for key in KEYS])


def moved(others: FirestoreTable, n: int) -> Body:
    """Return a fault: after the call, others write the first and the last item in one transaction."""

    def fault(body: Body, forward: Forward) -> Body:
        answer = forward(body)
        others.transact([Put(key, {"n": n}) for key in ENDS])
        return answer

    return fault


def test_items_read_in_parts_are_of_one_moment(
    table: FirestoreTable, others: FirestoreTable, firestore: Faulty
) -> None:
    firestore.faults["batchGet"] = [moved(others, 1)]
    firestore.calls.clear()
    assert {item.value["n"] for item in table.get_many(KEYS) if item} == {0}
    assert [len(body["documents"]) for body in firestore.bodies("batchGet")] == [300, 100]
    assert [item and item.value["n"] for item in others.get_many(ENDS)] == [1, 1]


@pytest.mark.parametrize("reverse", [False, True])
def test_the_pages_of_a_query_are_of_one_moment(
    table: FirestoreTable,
    others: FirestoreTable,
    firestore: Faulty,
    reverse: bool,  # noqa: FBT001
) -> None:
    firestore.faults["runQuery"] = [moved(others, 1)]
    items = list(table.query("p", reverse=reverse))
    assert [item.key for item in items] == (KEYS[::-1] if reverse else KEYS)
    assert {item.value["n"] for item in items} == {0}
    assert {item.value["n"] for item in others.query("p", limit=1)} == {1}


def test_who_reads_for_hours_sees_what_is_there_then(
    table: FirestoreTable, others: FirestoreTable, firestore: Faulty
) -> None:
    too_old = refused(400, "FAILED_PRECONDITION", "The requested snapshot version is too old.")
    firestore.faults["runQuery"] = [moved(others, 1), too_old]
    items = list(table.query("p"))
    assert [item.key for item in items] == KEYS
    assert (items[0].value, items[-1].value) == ({"n": 0}, {"n": 1})


def test_pages_are_as_large_as_their_items_allow(table: FirestoreTable, firestore: Faulty) -> None:
    firestore.calls.clear()
    assert len(list(table.query("p"))) == 400
    assert [body["structuredQuery"]["limit"] for body in firestore.bodies("runQuery")] == [64, 1_000]
    table.put_many([Put(Key("large", f"{number:03}"), {"data": bytes(300_000)}) for number in range(90)])
    firestore.calls.clear()
    assert len(list(table.query("large"))) == 90
    assert [body["structuredQuery"]["limit"] for body in firestore.bodies("runQuery")] == [64, 13, 13, 13]
    firestore.calls.clear()
    assert len(list(table.query("p", limit=70, reverse=True))) == 70
    assert [body["structuredQuery"]["limit"] for body in firestore.bodies("runQuery")] == [64, 6]


def test_expired_items_do_not_count(table: FirestoreTable) -> None:
    table.put_many([Put(key, {}, expires=-1.0) for key in KEYS[:100]])
    assert [item.key for item in table.query("p", limit=3)] == KEYS[100:103]
