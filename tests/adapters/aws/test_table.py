"""What DynamoDB does that no other provider does: it throttles, answers in part, loses answers, has limits."""

from collections.abc import Iterator
from contextlib import suppress

import pytest

from adapters.aws.table import DynamoTable
from adapters.memory.blobs import MemoryBlobs
from loopwright.errors import ConflictError, DeniedError, UnavailableError
from loopwright.ports.table import ABSENT, Add, Check, Delete, Key, Put, Value, Version
from loopwright.settings import AwsPlace
from tests.clouds.aws import moto, throwaway
from tests.clouds.faulty import Body, Faulty, Forward, Lost, faulty, impatient, lost, refused

KEY = Key("model/delays", "alias/champion")
OTHER = Key("model/delays", "alias/challenger")
LARGE: dict[str, Value] = {"data": bytes(500_000)}
THROTTLED = refused("ProvisionedThroughputExceededException")
BEATEN = refused(
    "TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}, {"Code": "None"}]
)


@pytest.fixture
def place() -> Iterator[AwsPlace]:
    with throwaway(moto(), ()) as made:
        yield made


@pytest.fixture
def aws() -> Iterator[Faulty]:
    with faulty(moto()) as started:
        yield started


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs(lambda: 0.0)


def opened(place: AwsPlace, endpoint: str, blobs: MemoryBlobs) -> DynamoTable:
    return DynamoTable(impatient("dynamodb", endpoint), place.table, blobs, lambda: 0.0, sleep=lambda _: None)


@pytest.fixture
def table(place: AwsPlace, aws: Faulty, blobs: MemoryBlobs) -> DynamoTable:
    """A table whose calls may go wrong."""
    return opened(place, aws.url, blobs)


@pytest.fixture
def others(place: AwsPlace, blobs: MemoryBlobs) -> DynamoTable:
    """The same table, as others see it."""
    return opened(place, moto(), blobs)


def found(table: DynamoTable, key: Key = KEY) -> tuple[dict[str, Value], int] | None:
    item = table.get(key)
    return (dict(item.value), item.version) if item else None


def held(blobs: MemoryBlobs) -> int:
    return len(list(blobs.list()))


def test_throttled_calls_are_made_again(table: DynamoTable, aws: Faulty) -> None:
    for operation in ("UpdateItem", "PutItem", "GetItem", "BatchGetItem", "Query", "DeleteItem", "TransactWriteItems"):
        aws.faults[operation] = [THROTTLED, refused("InternalServerError", 500)]
    table.put(KEY, {"n": 1})
    table.add(KEY, {"n": 2})
    table.transact([Put(OTHER, {}, ABSENT), Check(KEY, Version(2))])
    assert [item and item.version for item in table.get_many([OTHER, KEY])] == [1, 2]
    table.delete(OTHER)
    assert [item.value for item in table.query(KEY.partition)] == [{"n": 3}]
    assert not any(aws.faults.values())


def test_who_is_throttled_for_long_is_told_so(table: DynamoTable, aws: Faulty) -> None:
    aws.faults = {"UpdateItem": [THROTTLED] * 20, "GetItem": [THROTTLED] * 20}
    with pytest.raises(UnavailableError, match="alias/champion"):
        table.put(KEY, {})
    with pytest.raises(UnavailableError):
        table.add(KEY, {"n": 1})


def test_a_role_without_permission_is_denied(table: DynamoTable, aws: Faulty) -> None:
    aws.faults = {name: [refused("AccessDeniedException")] * 2 for name in ("UpdateItem", "Query", "DeleteItem")}
    with pytest.raises(DeniedError):
        table.put(KEY, {})
    with pytest.raises(DeniedError):
        list(table.query("p"))
    with pytest.raises(DeniedError):
        table.delete(KEY)


def unprocessed(body: Body, forward: Forward) -> Body:
    """Read every third item only."""
    ((name, asked),) = body["RequestItems"].items()
    answer = forward({"RequestItems": {name: {**asked, "Keys": asked["Keys"][::3]}}})
    left = [key for number, key in enumerate(asked["Keys"]) if number % 3]
    return answer | {"UnprocessedKeys": {name: {**asked, "Keys": left}}}


def nothing(body: Body, forward: Forward) -> Body:
    return {"Responses": {}, "UnprocessedKeys": body["RequestItems"]}


def test_what_was_not_read_is_asked_for_again(table: DynamoTable, aws: Faulty) -> None:
    keys = [Key("p", str(number)) for number in range(20)]
    table.put_many([Put(key, {"sort": key.sort}) for key in keys])
    aws.faults["BatchGetItem"] = [unprocessed, nothing, unprocessed]
    assert [item and item.value["sort"] for item in table.get_many(keys)] == [key.sort for key in keys]
    assert len(aws.bodies("BatchGetItem")) == 4
    aws.faults["BatchGetItem"] = [nothing] * 30
    with pytest.raises(UnavailableError, match="busy"):
        table.get_many(keys)


def test_a_write_whose_answer_is_lost_is_done_once(table: DynamoTable, aws: Faulty) -> None:
    aws.faults = {"UpdateItem": [lost], "PutItem": [lost, lost], "TransactWriteItems": [lost]}
    assert table.put(KEY, {"n": 1}) == 1
    assert table.put(OTHER, {}, expect=ABSENT) == 1
    assert table.add(KEY, {"n": 1}) == {"n": 2}
    table.transact([Add(KEY, {"n": 1}), Put(OTHER, {"new": True}, Version(1))])
    assert found(table) == ({"n": 3}, 3)
    assert found(table, OTHER) == ({"new": True}, 2)
    assert not any(aws.faults.values())


def test_a_write_is_recognised_though_others_have_written_since(
    table: DynamoTable, others: DynamoTable, aws: Faulty
) -> None:
    def overtaken(body: Body, forward: Forward) -> Body:
        forward(body)
        for _ in range(7):
            others.add(KEY, {"n": 10})
        raise Lost

    aws.faults["PutItem"] = [overtaken]
    assert table.put(KEY, {"n": 0}, expect=ABSENT) == 1
    assert found(others) == ({"n": 70}, 8)
    aws.faults["PutItem"] = [overtaken]
    assert table.add(KEY, {"n": 1}) == {"n": 71}
    assert found(others) == ({"n": 141}, 16)
    aws.faults["UpdateItem"] = [overtaken]
    assert table.put(KEY, {"n": 0}) == 17
    assert found(others) == ({"n": 70}, 24)


def test_the_deletion_of_a_version_is_sent_again_as_the_same_transaction(table: DynamoTable, aws: Faulty) -> None:
    table.put(KEY, {})
    aws.faults["TransactWriteItems"] = [lost]
    # The emulator does not recognise it, as AWS does.
    with suppress(ConflictError):
        table.delete(KEY, expect=Version(1))
    first, second = aws.bodies("TransactWriteItems")
    assert first == second
    assert first["ClientRequestToken"]
    assert found(table) is None


def test_who_was_beaten_decides_again_on_what_is_there_now(
    table: DynamoTable, others: DynamoTable, aws: Faulty
) -> None:
    def beaten(body: Body, forward: Forward) -> Body:
        others.add(KEY, {"n": 10})
        return forward(body)

    aws.faults = {"PutItem": [beaten] * 3, "TransactWriteItems": [BEATEN, beaten]}
    assert table.add(KEY, {"n": 1}) == {"n": 31}
    table.transact([Add(KEY, {"n": 1}), Put(OTHER, {})])
    assert found(others) == ({"n": 42}, 6)
    aws.faults["PutItem"] = [beaten]
    with pytest.raises(ConflictError, match="version 7"):
        table.put(KEY, {}, expect=Version(6))


def test_single_writes_wait_for_a_transaction_to_end(table: DynamoTable, aws: Faulty) -> None:
    busy = refused("TransactionConflictException")
    aws.faults = {"UpdateItem": [busy], "PutItem": [busy] * 2, "DeleteItem": [busy]}
    assert table.put(KEY, {"n": 1}) == 1
    table.delete(KEY)
    assert found(table) is None


def test_who_is_beaten_for_ever_gives_up(table: DynamoTable, aws: Faulty) -> None:
    aws.faults["TransactWriteItems"] = [BEATEN] * 200
    with pytest.raises(UnavailableError, match="too many"):
        table.transact([Put(KEY, {}), Put(OTHER, {})])
    assert found(table) is None


def test_a_transaction_that_can_never_succeed_is_sent_once(table: DynamoTable, aws: Faulty) -> None:
    reasons = [{"Code": "ValidationError"}, {"Code": "None"}]
    aws.faults["TransactWriteItems"] = [refused("TransactionCanceledException", CancellationReasons=reasons)] * 2
    with pytest.raises(UnavailableError, match="TransactionCanceled"):
        table.transact([Put(KEY, {}), Delete(OTHER)])
    assert len(aws.bodies("TransactWriteItems")) == 1


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


def test_puts_of_one_key_keep_their_order(table: DynamoTable) -> None:
    table.put_many([Put(KEY, {"n": number}) for number in range(9)])
    assert found(table) == ({"n": 8}, 9)


def test_an_item_says_when_dynamodb_may_remove_it(table: DynamoTable, aws: Faulty) -> None:
    table.put(KEY, {}, expires=10.5)
    table.put(KEY, {}, expires=20.5, expect=Version(1))
    assert aws.bodies("UpdateItem")[0]["ExpressionAttributeValues"][":ttl"] == {"N": "11"}
    assert aws.bodies("PutItem")[0]["Item"]["ttl"] == {"N": "21"}
    table.put(KEY, {})
    assert "ttl" in aws.bodies("UpdateItem")[1]["ExpressionAttributeNames"].values()
    assert "#ttl" in aws.bodies("UpdateItem")[1]["UpdateExpression"].partition("REMOVE")[2]
