"""What Lambda does with a queue and `collect`, on SQS as it answers: only what has landed is deleted."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters import open_platform
from adapters.aws.place import AwsPlace
from functions.collect.landing import consumer
from functions.sqs import Record, take_records
from loopwright.ports import Platform
from loopwright.ports.queues import Depth
from loopwright.serving.log import PREDICTIONS_QUEUE
from loopwright.serving.predictor import Predictor
from loopwright.settings import Settings
from tests.airport import world
from tests.clouds.aws import ACCOUNT, REGION, client
from tests.contracts.racing import threads
from tests.contracts.worlds import WORLDS

ROOT = Path(__file__).parents[3]
ROUNDS = 20


@pytest.fixture
def settings() -> Iterator[Settings]:
    with WORLDS["moto"]() as made:
        yield made


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    with closing(open_platform(settings)) as opened:
        world.crown(opened, world.register(opened))
        yield opened


def ask(platform: Platform, *identities: str) -> None:
    predictor = Predictor(platform, world.project())
    for identity in identities:
        predictor.predict("delays", [{**world.ROW, "id": identity}])


def batch(settings: Settings, *, lease: int) -> dict[str, Record]:
    """Return what Lambda would hand over, by receipt."""
    place = AwsPlace.from_env({**os.environ, **settings.place})
    sqs, name = client(place.endpoint, "sqs"), f"{place.queues}-{PREDICTIONS_QUEUE}"
    got = sqs.receive_message(
        QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"],
        MaxNumberOfMessages=10,
        VisibilityTimeout=lease,
        MessageAttributeNames=["All"],
    )
    return {one["ReceiptHandle"]: record(one, name) for one in got.get("Messages", ())}


def record(message: dict, name: str) -> Record:
    attributes = {
        key: {"binaryValue": base64.b64encode(value["BinaryValue"]).decode(), "dataType": "Binary"}
        for key, value in message.get("MessageAttributes", {}).items()
        if "BinaryValue" in value
    }
    return {  # type: ignore[typeddict-item] - the rest of a record is not looked at
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1362139200000"},
        "messageAttributes": attributes,
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
    }


def turn(settings: Settings, platform: Platform, *, lease: int = 30, die: bool = False) -> int:
    """Do once what Lambda does, dying before anything is deleted if that is wanted; return how many messages came."""
    place = AwsPlace.from_env({**os.environ, **settings.place})
    records = batch(settings, lease=lease)
    if not records:
        return 0
    answer = take_records(consumer(platform, world.project()), {"Records": list(records.values())})
    if die:
        os.kill(os.getpid(), signal.SIGKILL)
    failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
    sqs = client(place.endpoint, "sqs")
    url = sqs.get_queue_url(QueueName=f"{place.queues}-{PREDICTIONS_QUEUE}")["QueueUrl"]
    for receipt, one in records.items():
        if one["messageId"] in failed:
            sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=receipt, VisibilityTimeout=0)
        else:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=receipt)
    return len(records)


def landed(platform: Platform) -> list[str]:
    return sorted(platform.lake.read_columns("predictions/delays")["prediction_id"].tolist())


def test_a_poisonous_message_is_dead_alone_and_is_brought_back_by_redrive(
    settings: Settings, platform: Platform
) -> None:
    ask(platform, "a", "b")
    platform.queue.send(PREDICTIONS_QUEUE, [b"\x00poison"])
    ask(platform, "c")
    for _ in range(ROUNDS):
        if not turn(settings, platform):
            break
    assert landed(platform) == ["a", "b", "c"]
    assert platform.queue.depth(PREDICTIONS_QUEUE) == Depth(0, 0, 1)
    assert [message.body for message in platform.queue.dead(PREDICTIONS_QUEUE)] == [b"\x00poison"]
    assert platform.queue.redrive(PREDICTIONS_QUEUE) == 1
    assert platform.queue.depth(PREDICTIONS_QUEUE) == Depth(1, 0, 0)


def test_the_collectors_of_two_deployments_lose_nothing_and_double_nothing(
    settings: Settings, platform: Platform
) -> None:
    ids = [f"p{number:02d}" for number in range(40)]
    ask(platform, *ids)

    def collect(_: int) -> None:
        with closing(open_platform(settings)) as own:
            while turn(settings, own):
                pass

    threads(2, collect)
    assert landed(platform) == ids
    assert platform.queue.depth(PREDICTIONS_QUEUE) == Depth(0, 0, 0)


def test_a_function_that_is_killed_after_it_wrote_writes_nothing_twice(settings: Settings, platform: Platform) -> None:
    ask(platform, "a", "b", "c")
    killed = subprocess.run(
        [sys.executable, __file__],
        env={**os.environ, **settings.to_env(), "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert landed(platform) == ["a", "b", "c"]
    assert platform.queue.depth(PREDICTIONS_QUEUE).ready + platform.queue.depth(PREDICTIONS_QUEUE).in_flight == 3
    # Together again, for in other company they would land twice.
    end = time.monotonic() + 30
    while platform.queue.depth(PREDICTIONS_QUEUE).ready < 3:
        assert time.monotonic() < end
        time.sleep(0.05)
    with closing(open_platform(settings)) as other:
        while platform.queue.depth(PREDICTIONS_QUEUE) != Depth(0, 0, 0):
            turn(settings, other)
    assert landed(platform) == ["a", "b", "c"]


if __name__ == "__main__":
    here = Settings.from_env(os.environ)
    turn(here, open_platform(here), lease=1, die=True)
