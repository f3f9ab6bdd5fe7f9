"""Values that are too large for Firestore, alone or together."""

import pytest

from adapters.gcp.table import FirestoreTable
from adapters.memory.blobs import MemoryBlobs
from loopwright.errors import ConflictError, DeniedError
from loopwright.ports.table import ABSENT, Check, Key, Put, Value, Version
from tests.clouds.google.faulty import Body, Faulty, Forward, lost, refused

KEY = Key("model/delays", "alias/champion")
OTHER = Key("model/delays", "alias/challenger")
LARGE: dict[str, Value] = {"data": bytes(1_045_000)}


def found(table: FirestoreTable, key: Key = KEY) -> tuple[dict[str, Value], int] | None:
    item = table.get(key)
    return (dict(item.value), item.version) if item else None


def held(blobs: MemoryBlobs) -> int:
    return len(list(blobs.list()))


def test_a_large_value_is_a_blob_for_as_long_as_its_item_has_it(table: FirestoreTable, blobs: MemoryBlobs) -> None:
    table.put(KEY, LARGE)
    assert held(blobs) == 1
    table.put(KEY, LARGE | {"n": 1}, expect=Version(1))
    table.transact([Put(OTHER, LARGE), Check(KEY, Version(2))])
    assert held(blobs) == 2
    assert table.add(KEY, {"n": 1}) == LARGE | {"n": 2}
    assert [item.value for item in table.query(KEY.partition)] == [LARGE, LARGE | {"n": 2}]
    assert held(blobs) == 2
    table.put(KEY, {})
    table.delete(OTHER)
    assert held(blobs) == 0
    table.put_many([Put(KEY, LARGE), Put(OTHER, LARGE), Put(KEY, LARGE)])
    assert held(blobs) == 2
    table.put_many([Put(KEY, {}), Put(OTHER, {})])
    assert held(blobs) == 0


def test_the_longest_key_has_room_beside_the_largest_value(table: FirestoreTable, blobs: MemoryBlobs) -> None:
    key = Key("é" * 256, "☂" * 170)
    for _ in range(9):
        table.put(key, {"data": bytes(1_043_980)}, expires=1e12)
    assert held(blobs) == 0
    assert found(table, key) == ({"data": bytes(1_043_980)}, 9)


def test_a_large_value_that_was_not_written_leaves_no_blob(
    table: FirestoreTable, others: FirestoreTable, firestore: Faulty, blobs: MemoryBlobs
) -> None:
    def beaten(body: Body, forward: Forward) -> Body:
        others.add(KEY, {"n": 1})
        return forward(body)

    firestore.faults["commit"] = [beaten, beaten]
    with pytest.raises(ConflictError):
        table.put(KEY, LARGE, expect=ABSENT)
    assert held(blobs) == 0
    table.transact([Put(KEY, LARGE)])
    assert held(blobs) == 1
    assert found(others) == (LARGE, 3)
    firestore.faults["commit"] = [refused(403, "PERMISSION_DENIED")]
    with pytest.raises(DeniedError):
        table.put(OTHER, LARGE)
    assert held(blobs) == 1


def test_a_large_value_whose_answer_is_lost_keeps_its_blob(
    table: FirestoreTable, firestore: Faulty, blobs: MemoryBlobs
) -> None:
    table.put(KEY, LARGE)
    firestore.faults = {"commit": [lost], "batchWrite": [lost]}
    table.put(KEY, LARGE | {"n": 1}, expect=Version(1))
    table.put_many([Put(OTHER, LARGE)])
    assert [item and item.value for item in table.get_many([KEY, OTHER])] == [LARGE | {"n": 1}, LARGE]
    assert held(blobs) == 2


def test_who_reads_a_large_value_while_it_is_replaced_gets_the_new_one(
    table: FirestoreTable, others: FirestoreTable, firestore: Faulty
) -> None:
    table.put(KEY, LARGE)
    table.put(OTHER, {"old": True})

    def replaced(body: Body, forward: Forward) -> Body:
        answer = forward(body)
        others.transact([Put(KEY, {"new": True}), Put(OTHER, {"new": True})])
        return answer

    def removed(body: Body, forward: Forward) -> Body:
        answer = forward(body)
        others.delete(KEY)
        return answer

    # Together with the other one, which was read in its old state.
    firestore.faults["batchGet"] = [replaced]
    assert [item and item.value for item in table.get_many([OTHER, KEY])] == [{"new": True}] * 2
    table.put(KEY, LARGE)
    table.put(OTHER, {"old": True})
    firestore.faults["runQuery"] = [replaced]
    assert [item.value for item in table.query(KEY.partition)] == [{"new": True}] * 2
    table.put(KEY, LARGE)
    firestore.faults["runQuery"] = [removed]
    assert [item.value for item in table.query(KEY.partition)] == [{"new": True}]
    table.put(KEY, LARGE | {"n": 1})
    firestore.faults["batchGet"] = [replaced]
    assert table.add(KEY, {"n": 1}) == {"new": True, "n": 1}


def test_a_transaction_may_be_larger_than_firestores(
    table: FirestoreTable, firestore: Faulty, blobs: MemoryBlobs
) -> None:
    keys = [Key("p", str(number)) for number in range(20)]
    table.transact([Put(key, {"data": bytes(500_000)}) for key in keys])
    (body,) = firestore.bodies("commit")
    sizes = [len(act["update"]["fields"].get("v", {}).get("bytesValue", "")) for act in body["writes"]]
    assert sum(size > 0 for size in sizes) == 6
    assert held(blobs) == 14
    assert all(item and len(item.value["data"]) == 500_000 for item in table.get_many(keys))  # type: ignore[arg-type]


def test_more_may_be_loaded_at_once_than_firestore_takes(
    table: FirestoreTable, firestore: Faulty, blobs: MemoryBlobs
) -> None:
    keys = [Key("p", f"{number:02}") for number in range(60)]
    table.put_many([Put(key, {"data": bytes(300_000)}) for key in keys])
    assert held(blobs) == 0
    assert sorted(len(body["writes"]) for body in firestore.bodies("batchWrite")) == [5, *[11] * 5]
    assert [item.key for item in table.query("p")] == keys
