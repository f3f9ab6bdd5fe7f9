"""Deployed functions, called with what AWS calls them with."""

import base64
import importlib
import json
from types import ModuleType

import pytest

from adapters.cloudevents import encode
from functions.handlers import Handler
from functions.retrain.deciding import consumer
from functions.sqs import Record, take_records
from loopwright.errors import InvalidInputError, UnavailableError
from loopwright.ports import Platform
from loopwright.ports.events import Event
from loopwright.serving.collecting import collect
from loopwright.serving.predictor import Predictor
from loopwright.triggers.service import Triggers
from tests.airport import world

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:airport-prod-{}"


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> "Deployed":
    """Imports a function's `main` as Lambda does, with a fresh world in memory."""
    monkeypatch.setenv("LOOPWRIGHT_PROVIDER", "memory")
    monkeypatch.setenv("LOOPWRIGHT_PROJECT", str(world.FOLDER))
    return Deployed()


class Deployed:
    def __call__(self, name: str) -> ModuleType:
        main = importlib.reload(importlib.import_module(f"functions.{name}.main"))
        world.report_weather(main._platform)
        world.crown(main._platform, world.register(main._platform))
        return main


def request(path: str, body: object = None) -> dict[str, object]:
    """What a function URL sends (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "abc.lambda-url.eu-central-1.on.aws", "content-type": "application/json"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abc",
            "domainName": "abc.lambda-url.eu-central-1.on.aws",
            "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "1.2.3.4", "userAgent": "x"},
            "requestId": "r-1",
            "routeKey": "$default",
            "stage": "$default",
            "time": "01/Mar/2013:12:00:00 +0000",
            "timeEpoch": 1362139200000,
        },
        "body": "" if body is None else json.dumps(body),
        "isBase64Encoded": False,
    }


def record(identity: str, *, text: str = "-", binary: bytes = b"", queue: str = "triggers") -> Record:
    attribute = {"binaryValue": base64.b64encode(binary).decode(), "dataType": "Binary", "stringListValues": []}
    return {
        "messageId": identity,
        "receiptHandle": "AQEB+example==",
        "body": text,
        "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1362139200000"},
        "messageAttributes": {"body": attribute} if binary else {},
        "md5OfBody": "336d5ebc5436534e61d16e63ddfca327",
        "eventSource": "aws:sqs",
        "eventSourceARN": QUEUE.format(queue),
        "awsRegion": "eu-central-1",
    }


def alert(identity: str = "one", *, model: str = "delays", kind: str = "loopwright.drift.detected") -> str:
    return encode(Event(identity, "loopwright/airport", kind, 0.0, model, {"detail": "wind psi 0.31"})).decode()


def counted(platform: Platform) -> dict[str, float]:
    """What was flushed."""
    return {series.name: series.total for series in platform.telemetry.read()}


def test_a_request_is_answered_and_measured_before_the_process_is_frozen(deployed: Deployed) -> None:
    main = deployed("predict")
    for _ in range(2):  # within one second, so that a server would not have written anything yet
        answer = main.handler(request("/models/delays/predict", {"row": world.ROW}), None)
        assert answer["statusCode"] == 200, answer
    (requests,) = [one for one in main._platform.telemetry.read() if one.name == "request_ms"]
    assert requests.count == 2


def test_a_batch_lands_in_the_lake_whatever_its_messages_came_as(deployed: Deployed) -> None:
    main = deployed("collect")
    Predictor(main._platform, world.project()).predict("delays", [{**world.ROW, "id": "a"}])
    (message,) = main._platform.queue.receive("predictions")
    batch = {"Records": [record("m0", binary=message.body, queue="predictions"), record("m1", queue="predictions")]}
    assert main.handler(batch, None) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert main._platform.lake.read_columns("predictions/delays")["prediction_id"].tolist() == ["a"]


def test_an_alert_from_the_queue_starts_a_retraining_once(deployed: Deployed) -> None:
    main = deployed("retrain")
    for _ in range(2):
        assert main.handler({"Records": [record("m0", text=alert())]}, None) == {"batchItemFailures": []}
    (entry,) = Triggers(main._platform, world.project()).ledger("delays")
    assert (entry.reason.kind, entry.decision.started) == ("drift", True)
    assert main._platform.jobs.status(entry.decision.job).state == "running"


def test_what_is_no_alert_of_ours_is_dropped_and_counted(deployed: Deployed) -> None:
    main = deployed("retrain")
    strange = ["not an event", alert(model="fares"), alert(kind="loopwright.registry.promoted")]
    batch = {"Records": [record(f"m{number}", text=text) for number, text in enumerate([*strange, alert()])]}
    assert main.handler(batch, None) == {"batchItemFailures": []}
    assert counted(main._platform)["alerts_dropped"] == 3
    assert len(Triggers(main._platform, world.project()).ledger("delays")) == 1


class Busy:
    """Triggers whose table does not answer about one model."""

    def __init__(self, triggers: Triggers) -> None:
        self._triggers = triggers

    def consider(self, model: str, reason: object, *, now: float) -> object:
        if model == "slow":
            raise UnavailableError("throttled")
        return self._triggers.consider(model, reason, now=now)


def test_an_alert_that_cannot_be_decided_now_comes_back_alone(
    platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    busy = Busy(Triggers(platform, world.project()))
    batch = {"Records": [record("m0", text=alert("a", model="slow")), record("m1", text=alert("b"))]}
    assert take_records(consumer(platform, busy), batch) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert len(Triggers(platform, world.project()).ledger("delays")) == 1
    assert "m0" in capsys.readouterr().err


def test_a_person_asks_for_a_retraining_over_http(deployed: Deployed) -> None:
    main = deployed("retrain")
    answer = main.handler(request("/models/delays/retrain", {"why": "new planes"}), None)
    assert json.loads(answer["body"])["started"] is True


def test_the_schedule_of_the_monitor_counts_what_was_logged(deployed: Deployed) -> None:
    main = deployed("monitor")
    Predictor(main._platform, world.project()).predict("delays", world.rows(4))
    collect(main._platform, world.project())
    told = main.handler({"loopwright": "monitor"}, None)
    assert told == {"delays": {"champion": 1, "predictions": 4, "labels": 0, "alerts": []}}
    assert json.loads(main.handler(request("/monitor"), None)["body"])["delays"]["predictions"] == 0


def test_the_schedule_of_schedules_starts_what_is_due_once(deployed: Deployed) -> None:
    main = deployed("monitor")
    triggers = Triggers(main._platform, world.project())
    due = [model for model, _ in triggers.due(main._platform.clock())]
    told = main.handler({"loopwright": "schedules"}, None)
    assert list(told) == due
    assert len(triggers.ledger("delays")) == len(due)


def test_the_schedule_of_housekeeping_puts_every_table_in_order(deployed: Deployed) -> None:
    main = deployed("monitor")
    Predictor(main._platform, world.project()).predict("delays", world.rows(1))
    collect(main._platform, world.project())
    assert main.handler({"loopwright": "housekeeping"}, None) == ["predictions/delays"]


def test_the_schedule_of_materializing_says_what_it_did(deployed: Deployed) -> None:
    main = deployed("materialize")
    told = main.handler({"loopwright": "materialize"}, None)
    assert told == json.loads(main.handler(request("/materialize"), None)["body"])
    assert set(told) == {view.name for view in world.project().views}


@pytest.mark.parametrize(
    ("name", "event", "told"),
    [
        ("monitor", {"loopwright": "dance"}, "takes no schedule 'dance'; it takes requests over HTTP, the schedule"),
        ("monitor", {"Records": [record("m0")]}, "takes no batch of aws:sqs"),
        ("predict", {"loopwright": "monitor"}, "takes no schedule 'monitor'; it takes requests over HTTP$"),
        ("collect", {"Records": [{"eventSource": "aws:s3", "s3": {}}]}, "takes no batch of aws:s3"),
        ("retrain", {"detail-type": "Scheduled Event", "source": "aws.events"}, "takes no event 'Scheduled Event'"),
        ("materialize", {"key": "value"}, "takes no event with the members key"),
        ("features", {}, "takes no event with the members none"),
    ],
)
def test_an_event_that_a_function_does_not_take_is_named(
    deployed: Deployed, name: str, event: dict[str, object], told: str
) -> None:
    with pytest.raises(InvalidInputError, match=told):
        deployed(name).handler(event, None)


def test_what_was_measured_is_written_also_when_an_invocation_fails(platform: Platform) -> None:
    def fail() -> object:
        platform.telemetry.count("tried")
        raise UnavailableError("not now")

    handler = Handler(lambda *_: None, platform.telemetry, schedules={"work": fail})
    with pytest.raises(UnavailableError):
        handler({"loopwright": "work"}, None)
    assert counted(platform) == {"tried": 1.0}
