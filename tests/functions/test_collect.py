import base64

import pytest

from functions.collect.app import create_app, drain
from functions.collect.landing import consumer
from functions.labels.app import create_app as labels
from functions.sqs import BatchResponse, Record, body_of, take_records
from loopwright.errors import InvalidInputError
from loopwright.ports import Platform
from loopwright.serving.predictor import Predictor
from tests.airport import world
from tests.airport.caller import Caller
from tests.airport.faults import Faulty, FullLake, Switch

ARN = "arn:aws:sqs:eu-central-1:123456789012:airport-prod-{}-3f2a"


def collect(platform: Platform, records: list[Record]) -> BatchResponse:
    return take_records(consumer(platform, world.project()), {"Records": records})


@pytest.fixture
def predictor(platform: Platform) -> Predictor:
    world.crown(platform, world.register(platform))
    return Predictor(platform, world.project())


def records(platform: Platform, *extra: str, queue: str = "predictions") -> list[Record]:
    """What SQS would hand over for the messages that are in our queue, and for further bodies."""
    bodies = [base64.b64encode(message.body).decode() for message in platform.queue.receive(queue, limit=100)]
    return [record(f"m{number}", binary=body, queue=queue) for number, body in enumerate([*bodies, *extra])]


def record(identity: str, *, binary: str = "", text: str = "-", queue: str = "predictions") -> Record:
    """A record as Lambda gets it, its message in the attribute `body`, or else in its text."""
    attribute = {"stringListValues": [], "binaryListValues": [], "binaryValue": binary, "dataType": "Binary"}
    return {
        "messageId": identity,
        "receiptHandle": "AQEB+example==",
        "body": text,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1362139200000",
            "SenderId": "AROAEXAMPLE:airport-prod-predict",
            "ApproximateFirstReceiveTimestamp": "1362139200005",
        },
        "messageAttributes": {"body": attribute} if binary else {},
        "md5OfBody": "336d5ebc5436534e61d16e63ddfca327",
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN.format(queue),
        "awsRegion": "eu-central-1",
    }


def landed(platform: Platform) -> list[str]:
    return sorted(platform.lake.read_columns("predictions/delays")["prediction_id"].tolist())


def test_collecting_over_http_says_what_landed(platform: Platform, predictor: Predictor) -> None:
    predictor.predict("delays", world.rows(3))
    answer = Caller(create_app(platform, world.project())).post("/collect")
    assert answer.body == {"rows": {"predictions/delays": 3}, "messages": 1, "failed": 0}


def test_a_drain_goes_on_until_the_queues_are_empty(platform: Platform, predictor: Predictor) -> None:
    for number in range(2_100):
        predictor.predict("delays", [{**world.ROW, "id": f"p{number}"}])
    collected = drain(platform, world.project())
    assert (collected.messages, collected.rows) == (2_100, {"predictions/delays": 2_100})


def test_a_batch_of_records_lands_and_only_the_bad_ones_come_back(platform: Platform, predictor: Predictor) -> None:
    predictor.predict("delays", [{**world.ROW, "id": "a"}])
    predictor.predict("delays", [{**world.ROW, "id": "b"}])
    answer = collect(platform, records(platform, "no base64!", base64.b64encode(b"not a message").decode()))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}, {"itemIdentifier": "m3"}]}
    assert landed(platform) == ["a", "b"]


def test_a_message_of_text_is_its_text(platform: Platform, predictor: Predictor) -> None:
    predictor.predict("delays", [{**world.ROW, "id": "a"}])
    # A message of ours is bytes that are no text, so this one is nobody's: it comes back, and spoils nothing.
    mixed = [*records(platform), record("text", text='{"hello": "world"}')]
    assert collect(platform, mixed) == {"batchItemFailures": [{"itemIdentifier": "text"}]}
    assert body_of(record("text", text="wörld")) == "wörld".encode()
    assert landed(platform) == ["a"]


def test_records_of_several_queues_land_each_in_its_table(platform: Platform, predictor: Predictor) -> None:
    predictor.predict("delays", [{**world.ROW, "id": "a"}])
    Caller(labels(platform, world.project())).post("/models/delays/labels", {"labels": [{"id": "a", "label": 1}]})
    mixed = [*records(platform), *records(platform, queue="labels")]
    assert collect(platform, mixed) == {"batchItemFailures": []}
    assert landed(platform) == ["a"]
    assert platform.lake.version("labels/delays") is not None


def test_a_batch_that_is_delivered_again_appends_nothing(platform: Platform, predictor: Predictor) -> None:
    predictor.predict("delays", [{**world.ROW, "id": "a"}])
    batch = records(platform)
    for _ in range(2):
        assert collect(platform, batch) == {"batchItemFailures": []}
    assert landed(platform) == ["a"]


def test_while_the_lake_does_not_answer_every_record_comes_back(platform: Platform, predictor: Predictor) -> None:
    predictor.predict("delays", world.rows(1))
    batch = records(platform)
    full = Faulty(platform, lake=FullLake(platform.lake, Switch()))
    assert collect(full, batch) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_records_of_a_foreign_queue_are_refused(platform: Platform) -> None:
    with pytest.raises(InvalidInputError, match="airport-prod-invoices-3f2a is no queue to take from"):
        collect(platform, [record("m0", binary="AA==", queue="invoices")])
