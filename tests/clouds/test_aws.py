from adapters import open_platform
from loopwright.ports.events import Subscription
from loopwright.settings import Settings
from tests.clouds.aws import client, made, moto, take_away


def test_nothing_is_left_of_a_throwaway_place() -> None:
    endpoint = moto()
    place = made(endpoint, "tneverhadbefore", [Subscription("loopwright.", "everything")])
    platform = open_platform(Settings("aws", place=place.to_env()))
    platform.blobs.put("a/b", b"content")
    platform.queue.send("made by a test", [b"1"])
    platform.close()
    take_away(endpoint, place.bucket)
    assert place.bucket not in [one["Name"] for one in client(endpoint, "s3").list_buckets()["Buckets"]]
    assert place.table not in client(endpoint, "dynamodb").list_tables()["TableNames"]
    assert place.bus not in [one["Name"] for one in client(endpoint, "events").list_event_buses()["EventBuses"]]
    assert "QueueUrls" not in client(endpoint, "sqs").list_queues(QueueNamePrefix=place.queues)
    functions = client(endpoint, "lambda").list_functions()["Functions"]
    assert place.job_function not in [one["FunctionName"] for one in functions]
