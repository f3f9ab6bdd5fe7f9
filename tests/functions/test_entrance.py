"""Who comes in, and what becomes of what is pushed and of what is due."""

import asyncio
import base64
import json
from collections.abc import Iterator, Mapping

import pytest
from cloudevents.core.bindings.http import to_binary_event
from cloudevents.core.v1.event import CloudEvent

from adapters.cloudevents import encode
from functions.batches import Consumer
from functions.collect import landing
from functions.entrance import Entrance, entrance
from functions.labels.app import create_app
from functions.monitor.schedules import schedules
from functions.retrain import deciding
from loopwright.errors import InvalidInputError, UnavailableError
from loopwright.ports import Platform
from loopwright.ports.events import Event
from loopwright.serving.predictor import Predictor
from loopwright.triggers.service import Triggers
from tests.airport import world
from tests.airport.caller import Answered, Caller
from tests.airport.faults import Faulty, FullLake, Switch
from tests.functions.issuer import AUDIENCE, EMAIL, Issuer, issuing, stripped
from tests.functions.test_application import play

KEY = "0123456789abcdef"
PREFIX = "projects/airport/subscriptions/shop-prod"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


def callers(issuer: Issuer, **more: str) -> dict[str, str]:
    told = {"AUDIENCE": AUDIENCE, "EMAILS": EMAIL, "ISSUER": issuer.address, "CERTS": issuer.certs, **more}
    return {f"LOOPWRIGHT_CALLERS_{name}": value for name, value in told.items()}


def jwt(issuer: Issuer) -> dict[str, str]:
    return {"LOOPWRIGHT_JWT_ISSUER": issuer.address, "LOOPWRIGHT_JWT_AUDIENCE": AUDIENCE}


def behind(platform: Platform, environment: Mapping[str, str], **given: object) -> Caller:
    return Caller(entrance(create_app(platform, world.project()), platform, environment, **given))


def collecting(platform: Platform, issuer: Issuer) -> Caller:
    return behind(platform, callers(issuer), consumer=landing.consumer(platform, world.project()))


def deciding_there(platform: Platform, issuer: Issuer) -> Caller:
    consumer = deciding.consumer(platform, Triggers(platform, world.project()))
    return behind(platform, callers(issuer), consumer=consumer)


def wrapped(body: bytes, queue: str = "triggers", identity: str = "m1") -> dict[str, object]:
    message = {"data": base64.b64encode(body).decode(), "messageId": identity}
    return {"message": message, "subscription": f"{PREFIX}-{queue}", "deliveryAttempt": 2}


def alert(identity: str = "one") -> Event:
    return Event(
        identity, "loopwright/airport", "loopwright.drift.detected", 0.0, "delays", {"detail": "wind psi 0.31"}
    )


def logged(platform: Platform) -> bytes:
    """A message of predictions, as the predictor queues it."""
    world.crown(platform, world.register(platform))
    Predictor(platform, world.project()).predict("delays", [{**world.ROW, "id": "a"}])
    (message,) = platform.queue.receive("predictions")
    return message.body


def refused(answer: Answered, status: int, told: str, challenge: str = "") -> bool:
    assert (answer.status, answer.content_type) == (status, "application/problem+json"), answer
    assert answer.body["status"] == status
    assert told in answer.body["detail"], answer.body
    assert answer.headers.get("www-authenticate", "").startswith(challenge)
    return True


def test_without_a_word_about_access_everybody_is_people_and_there_is_no_other_way_in(platform: Platform) -> None:
    caller = behind(platform, {}, consumer=landing.consumer(platform, world.project()))
    assert caller.get("/openapi.json").status == 200
    assert refused(caller.post("/messages", wrapped(b"")), 404, "no /messages")
    assert refused(caller.post("/due/monitor"), 404, "no /due/monitor")


def test_people_send_the_key(platform: Platform) -> None:
    caller = behind(platform, {"LOOPWRIGHT_API_KEY": KEY})
    assert caller.get("/openapi.json", {"x-api-key": KEY}).status == 200
    for wrong in (KEY[:-1], f"{KEY}x", "", "é"):
        answer = caller.get("/openapi.json", {"x-api-key": wrong.encode("latin-1")})
        assert refused(answer, 401, "not the one", "ApiKey")
    assert refused(caller.get("/openapi.json"), 401, "send the key", "ApiKey")
    assert refused(caller.get("/openapi.json", [("x-api-key", "x"), ("x-api-key", KEY)]), 401, "once", "ApiKey")


def test_people_send_a_token(platform: Platform, issuer: Issuer) -> None:
    caller = behind(platform, jwt(issuer))
    assert caller.get("/openapi.json", issuer.bearer(email=None)).status == 200
    lower = {"authorization": issuer.bearer()["authorization"].replace("Bearer", "bearer")}
    assert caller.get("/openapi.json", lower).status == 200
    assert refused(caller.get("/openapi.json"), 401, "send a token", 'Bearer realm="loopwright"')
    assert refused(caller.get("/openapi.json", {"authorization": "Basic YTpi"}), 401, "send a token", "Bearer")
    answer = caller.get("/openapi.json", issuer.bearer(aud="https://other.example"))
    assert refused(answer, 401, "for somebody else", 'Bearer realm="loopwright", error="invalid_token"')
    assert refused(
        caller.get("/openapi.json", {"authorization": f"Bearer {stripped(issuer.token())}"}), 401, "signature"
    )


def test_health_is_open_and_nothing_else_is(platform: Platform) -> None:
    caller = behind(platform, {"LOOPWRIGHT_API_KEY": KEY})
    assert (caller.get("/health").status, caller.head("/health/ready").status) == (200, 200)
    for path in (
        "/",
        "/health/",
        "/health/../openapi.json",
        "//health",
        "/messages",
        "/due/monitor",
        "/models/delays/labels",
    ):
        assert caller.get(path).status == caller.post(path, {}).status == 401
    assert caller.head("/openapi.json").text == ""


def test_refusals_are_counted(platform: Platform) -> None:
    behind(platform, {"LOOPWRIGHT_API_KEY": KEY}).get("/openapi.json")
    platform.telemetry.flush()
    assert [(one.labels, one.total) for one in platform.telemetry.read() if one.name == "requests_refused"] == [
        ({"status": "401"}, 1.0)
    ]


def test_a_message_of_ours_lands_in_the_lake_once_however_often_it_is_pushed(
    platform: Platform, issuer: Issuer
) -> None:
    body, caller = logged(platform), collecting(platform, issuer)
    for _ in range(2):
        answer = caller.post("/messages", wrapped(body, "predictions"), issuer.bearer())
        assert (answer.status, answer.body) == (200, {"queue": "predictions", "message": "m1"})
    assert platform.lake.read_columns("predictions/delays")["prediction_id"].tolist() == ["a"]


def test_an_alert_that_is_pushed_starts_a_retraining_once_in_whatever_form(platform: Platform, issuer: Issuer) -> None:
    caller = deciding_there(platform, issuer)
    assert caller.post("/messages", wrapped(encode(alert())), issuer.bearer()).status == 200
    attributes = {"source": "//pubsub.googleapis.com/projects/airport/topics/shop-prod-events", "id": "9"}
    data = {**wrapped(encode(alert())), "subscription": "projects/airport/subscriptions/eventarc-eu-x-sub-1"}
    event = CloudEvent(
        {**attributes, "type": "google.cloud.pubsub.topic.v1.messagePublished", "datacontenttype": "application/json"},
        data,
    )
    sent = to_binary_event(event)
    assert caller.post("/messages", sent.body, {**sent.headers, **issuer.bearer()}).status == 200
    unwrapped = {"x-goog-pubsub-subscription-name": f"{PREFIX}-triggers", "x-goog-pubsub-message-id": "m3"}
    assert caller.post("/messages", encode(alert()), {**unwrapped, **issuer.bearer()}).status == 200
    structured = {"content-type": "application/cloudevents+json"}
    assert caller.post("/messages", encode(alert()), {**structured, **issuer.bearer()}).status == 200
    (entry,) = Triggers(platform, world.project()).ledger("delays")
    assert (entry.reason.kind, entry.decision.started) == ("drift", True)


@pytest.mark.parametrize(
    ("claims", "status", "told", "challenge"),
    [
        ({"email": "somebody@else.example"}, 403, "somebody@else.example, who may not", ""),
        ({"email": None}, 403, "nobody with an address", ""),
        ({"email": [EMAIL]}, 403, "may not do that", ""),
        ({"email_verified": False}, 403, "nobody has verified", ""),
        ({"email_verified": None}, 403, "nobody has verified", ""),
        ({"email_verified": "true"}, 403, "nobody has verified", ""),
        ({"aud": "https://other.example"}, 401, "for somebody else", "Bearer"),
        ({"iss": "https://other.example"}, 401, "of another issuer", "Bearer"),
        ({"exp": 1_000_000_000, "iat": 999_999_999}, 401, "has expired", "Bearer"),
    ],
)
def test_a_push_of_somebody_else_changes_nothing(
    platform: Platform, issuer: Issuer, claims: dict[str, object], status: int, told: str, challenge: str
) -> None:
    caller = deciding_there(platform, issuer)
    for path in ("/messages", "/due/monitor", "/due/"):
        answer = caller.post(path, wrapped(encode(alert())), issuer.bearer(**claims))
        assert refused(answer, status, told, challenge)
    assert not Triggers(platform, world.project()).ledger("delays")


def test_peoples_key_does_not_open_the_other_door_nor_the_other_way_round(platform: Platform, issuer: Issuer) -> None:
    environment = {"LOOPWRIGHT_API_KEY": KEY, **callers(issuer)}
    caller = behind(platform, environment, schedules={"rest": lambda: "rested"})
    assert caller.post("/due/rest", b"", issuer.bearer()).body == "rested"
    assert caller.post("/due/rest", b"", {"x-api-key": KEY}).status == 401
    assert caller.get("/openapi.json", issuer.bearer()).status == 401


def test_behind_cloud_runs_own_check_a_token_comes_without_its_signature(platform: Platform, issuer: Issuer) -> None:
    headers = {"authorization": f"Bearer {stripped(issuer.token())}"}
    other = {"authorization": f"Bearer {stripped(issuer.token(email='somebody@else.example'))}"}
    front = {**callers(issuer, FRONT="cloud-run"), "LOOPWRIGHT_AUTH": "iam"}
    caller = behind(platform, front, schedules={"rest": lambda: "rested"})
    assert caller.post("/due/rest", b"", headers).status == 200
    assert caller.post("/due/rest", b"", other).status == 403
    open_to_all = behind(platform, callers(issuer), schedules={"rest": lambda: "rested"})
    assert open_to_all.post("/due/rest", b"", headers).status == 401


def test_while_certificates_cannot_be_read_the_sender_tries_again(
    platform: Platform, issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    issuer.broken = True
    caller = deciding_there(platform, issuer)
    answer = caller.post("/messages", wrapped(encode(alert())), issuer.bearer())
    assert refused(answer, 503, "answers 500")
    assert answer.headers["retry-after"] == "1"
    assert "read the keys of tokens" in capsys.readouterr().err
    assert not Triggers(platform, world.project()).ledger("delays")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"hello", "wanted a message pushed by Pub/Sub"),
        (json.dumps(wrapped(b"", "invoices")).encode(), "shop-prod-invoices is no queue to take from here"),
        (json.dumps(wrapped(b"", "triggers")).encode(), "shop-prod-triggers is no queue to take from here"),
    ],
)
def test_what_can_never_work_goes_back_and_the_log_says_why(
    platform: Platform, issuer: Issuer, body: bytes, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(collecting(platform, issuer).post("/messages", body, issuer.bearer()), 400, told)
    line = json.loads(capsys.readouterr().err)
    assert line["where"] == "/messages"
    assert told in line["error"]


def test_a_message_that_does_not_fit_goes_back_with_the_number_of_its_delivery(
    platform: Platform, issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = collecting(platform, issuer).post("/messages", wrapped(b"poison", "predictions"), issuer.bearer())
    assert refused(answer, 503, "message m1 of predictions was not taken in its delivery 2")
    assert "message m1 of predictions" in capsys.readouterr().err


def test_while_the_lake_is_away_a_message_goes_back(platform: Platform, issuer: Issuer) -> None:
    body = logged(platform)
    switch = Switch()
    full = Faulty(platform, lake=FullLake(platform.lake, switch))
    answer = collecting(full, issuer).post("/messages", wrapped(body, "predictions"), issuer.bearer())
    assert answer.status == 503


def test_what_is_due_is_done_and_told(platform: Platform, issuer: Issuer) -> None:
    caller = behind(platform, callers(issuer), schedules=schedules(platform, world.project()))
    assert caller.post("/due/monitor", b"", issuer.bearer()).body["delays"]["predictions"] == 0
    assert refused(caller.post("/due/dance", b"", issuer.bearer()), 404, "there is monitor, schedules, housekeeping")
    assert refused(caller.post("/messages", b"", issuer.bearer()), 404, "no /messages here")


def test_what_is_due_and_fails_is_logged_measured_and_tried_again(
    platform: Platform, issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> object:
        platform.telemetry.count("tried")
        raise UnavailableError("the lake does not answer")

    caller = behind(platform, callers(issuer), schedules={"work": fail})
    assert refused(caller.post("/due/work", b"", issuer.bearer()), 503, "the lake does not answer")
    assert json.loads(capsys.readouterr().err)["where"] == "/due/work"
    assert [one.total for one in platform.telemetry.read() if one.name == "tried"] == [1.0]


def test_a_server_that_ends_closes_the_platform(platform: Platform) -> None:
    closed = []
    app = create_app(platform, world.project())

    class Closing(Faulty):
        def close(self) -> None:
            closed.append(True)
            raise UnavailableError("the disk is full")

    door = Entrance(app, Closing(platform), None, None)
    sent = asyncio.run(play(door, "lifespan", ["lifespan.startup", "lifespan.shutdown"]))
    assert (sent, closed) == (["lifespan.startup.complete", "lifespan.shutdown.complete"], [True])
    assert asyncio.run(play(door, "websocket", [])) == ["websocket.close"]


@pytest.mark.parametrize(
    ("names", "queue"),
    [
        (["shop-prod-predictions-3f2a"], "predictions"),
        (["labels-shop-predictions"], "predictions"),
        (["predictions.shop.labels"], "labels"),
        (["", "shop-prod-features"], "features"),
        (["eventarc-eu-sub-1", "shop-labels"], "labels"),
    ],
)
def test_a_queue_is_a_part_of_its_name_the_last_that_is_one(names: list[str], queue: str) -> None:
    assert Consumer(("predictions", "labels", "features"), lambda *_: []).queue_of(*names) == queue


def test_a_name_that_tells_nothing_is_the_only_queue_but_that_of_another_never_is() -> None:
    only = Consumer(("triggers",), lambda *_: [])
    assert only.queue_of() == only.queue_of("", "eventarc-eu-sub-1") == "triggers"
    with pytest.raises(InvalidInputError, match="shop-predictions is no queue"):
        only.queue_of("shop-predictions")
    with pytest.raises(InvalidInputError, match="what has no name is no queue"):
        Consumer(("predictions", "labels"), lambda *_: []).queue_of("", "")
