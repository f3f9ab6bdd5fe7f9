"""Values that are too large for DynamoDB, alone or together."""

import pytest

from adapters.aws.table import DynamoTable
from adapters.memory.blobs import MemoryBlobs
from loopwright.errors import ConflictError
from loopwright.ports.table import ABSENT, Check, Key, Put, Value, Version
from tests.clouds.faulty import Body, Faulty, Forward, lost

KEY = Key("model/delays", "alias/champion")
OTHER = Key("model/delays", "alias/challenger")
LARGE: dict[str, Value] = {"data": bytes(500_000)}


def found(table: DynamoTable, key: Key = KEY) -> tuple[dict[str, Value], int] | None:
    item = table.get(key)
    return (dict(item.value), item.version) if item else None


def held(blobs: MemoryBlobs) -> int:
    return len(list(blobs.list()))


def test_a_large_value_is_a_blob_for_as_long_as_its_item_has_it(table: DynamoTable, blobs: MemoryBlobs) -> None:
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


def test_a_large_value_that_was_not_written_leaves_no_blob(
    table: DynamoTable, others: DynamoTable, aws: Faulty, blobs: MemoryBlobs
) -> None:
    def beaten(body: Body, forward: Forward) -> Body:
        others.add(KEY, {"n": 1})
        return forward(body)

    aws.faults["PutItem"] = [beaten, beaten]
    with pytest.raises(ConflictError):
        table.put(KEY, LARGE, expect=ABSENT)
    assert held(blobs) == 0
    table.transact([Put(KEY, LARGE)])
    assert held(blobs) == 1
    assert found(others) == (LARGE, 3)


def test_a_large_value_whose_answer_is_lost_keeps_its_blob(table: DynamoTable, aws: Faulty, blobs: MemoryBlobs) -> None:
    aws.faults = {"PutItem": [lost], "UpdateItem": [lost]}
    table.put(KEY, LARGE, expect=ABSENT)
    table.put(OTHER, LARGE)
    assert [item and item.value for item in table.get_many([KEY, OTHER])] == [LARGE, LARGE]
    assert held(blobs) == 2


def test_who_reads_a_large_value_while_it_is_replaced_gets_the_new_one(
    table: DynamoTable, others: DynamoTable, aws: Faulty
) -> None:
    table.put(KEY, LARGE)

    def replaced(body: Body, forward: Forward) -> Body:
        answer = forward(body)
        others.put(KEY, {"new": True})
        return answer

    def removed(body: Body, forward: Forward) -> Body:
        answer = forward(body)
        others.delete(KEY)
        return answer

    aws.faults["GetItem"] = [replaced]
    assert found(table) == ({"new": True}, 2)
    table.put(KEY, LARGE)
    aws.faults["Query"] = [removed]
    assert list(table.query(KEY.partition)) == []


def test_a_transaction_may_be_larger_than_dynamodbs(table: DynamoTable, aws: Faulty, blobs: MemoryBlobs) -> None:
    keys = [Key("p", str(number)) for number in range(20)]
    table.transact([Put(key, {"data": bytes(300_000)}) for key in keys])
    (body,) = aws.bodies("TransactWriteItems")
    assert sum(len(act["Put"]["Item"].get("v", {}).get("B", "")) for act in body["TransactItems"]) * 3 / 4 < 4_000_000
    assert held(blobs) == 9
    assert all(item and len(item.value["data"]) == 300_000 for item in table.get_many(keys))  # type: ignore[arg-type]


def test_more_may_be_read_at_once_than_dynamodb_returns(table: DynamoTable, aws: Faulty) -> None:
    keys = [Key("p", f"{number:02}") for number in range(60)]
    table.put_many([Put(key, {"data": bytes(300_000)}) for key in keys])
    assert all(item and len(item.value["data"]) == 300_000 for item in table.get_many(keys))  # type: ignore[arg-type]
    assert [item.key for item in table.query("p")] == keys
    assert len(aws.bodies("Query")) > 10
