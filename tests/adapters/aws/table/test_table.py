"""What DynamoDB does that no other provider does: it throttles, answers in part, loses answers."""

from contextlib import suppress

import pytest

from adapters.aws.table import DynamoTable
from loopwright.errors import ConflictError, DeniedError, UnavailableError
from loopwright.ports.table import ABSENT, Add, Check, Delete, Key, Put, Value, Version
from tests.clouds.faulty import Body, Faulty, Forward, Lost, lost, refused

KEY = Key("model/delays", "alias/champion")
OTHER = Key("model/delays", "alias/challenger")
THROTTLED = refused("ProvisionedThroughputExceededException")
BEATEN = refused(
    "TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}, {"Code": "None"}]
)


def found(table: DynamoTable, key: Key = KEY) -> tuple[dict[str, Value], int] | None:
    item = table.get(key)
    return (dict(item.value), item.version) if item else None


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
