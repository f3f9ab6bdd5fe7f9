"""What the Pub/Sub of this machine does besides what Google's emulator does."""

import json
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import requests
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from adapters.gcp.api import Api
from adapters.gcp.replies import ServiceError
from adapters.gcp.tokens import Nobody
from tests.clouds.google.oidc import CERTIFICATES, ISSUER, KEYS
from tests.clouds.google.throwaway import PROJECT
from tests.clouds.google.world import SERVICES, google
from tests.clouds.scripted import Answer, Script, scripted
from tests.clouds.tools import MissingToolError

EMAIL = "schedules@loopwright-test.iam.gserviceaccount.com"
METRIC = "pubsub.googleapis.com/subscription/num_undelivered_messages"


@pytest.fixture(scope="module")
def endpoint() -> str:
    try:
        return google(*SERVICES)
    except MissingToolError as error:
        pytest.skip(f"Google is not to be had: {error}")


@pytest.fixture
def api(endpoint: str) -> Iterator[Api]:
    opened = Api("", endpoint=endpoint, tokens=Nobody())
    yield opened
    opened.close()


@pytest.fixture
def name(api: Api) -> str:
    """A topic, and one for dead letters with a subscription."""
    made = f"t{secrets.token_hex(6)}"
    for topic in (made, f"{made}-dead"):
        api.call("PUT", f"/v1/projects/{PROJECT}/topics/{topic}", {})
    subscribe(api, f"{made}-dead", topic=f"{made}-dead")
    return made


def subscribe(api: Api, name: str, *, topic: str = "", **fields: object) -> dict[str, Any]:
    body = {"topic": f"projects/{PROJECT}/topics/{topic or name}", **fields}
    return api.call("PUT", f"/v1/projects/{PROJECT}/subscriptions/{name}", body)


def on(api: Api, name: str, verb: str, body: object, *, kind: str = "subscriptions") -> dict[str, Any]:
    return api.call("POST", f"/v1/projects/{PROJECT}/{kind}/{name}:{verb}", body)


def publish(api: Api, name: str, *messages: bytes, **attributes: str) -> None:
    entries = [{"data": b64encode(body).decode(), "attributes": attributes} for body in messages]
    on(api, name, "publish", {"messages": entries}, kind="topics")


def pull(api: Api, name: str) -> list[bytes]:
    got = on(api, name, "pull", {"maxMessages": 100, "returnImmediately": True}).get("receivedMessages", [])
    return [b64decode(one["message"].get("data", "")) for one in got]


def undelivered(api: Api, name: str) -> int:
    which = f'metric.type = "{METRIC}" AND resource.labels.subscription_id = "{name}"'
    query = {"filter": which, "interval.endTime": "2026-01-01T00:00:00Z"}
    (series,) = api.call("GET", f"/v3/projects/{PROJECT}/timeSeries", query=query)["timeSeries"]
    return int(series["points"][0]["value"]["int64Value"])


def verified(endpoint: str, bearer: str, audience: str) -> dict[str, Any]:
    with requests.Session() as session:
        claims: dict[str, Any] = id_token.verify_token(
            bearer, Request(session), audience, certs_url=f"{endpoint}{CERTIFICATES}"
        )
    return claims


def until(true: Callable[[], bool], *, within: float = 10.0) -> None:
    limit = time.monotonic() + within
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


def pushes(script: Script, **also: object) -> dict[str, Any]:
    return {"pushConfig": {"pushEndpoint": f"{script.endpoint}/messages", **also}}


def dead_letters(name: str) -> dict[str, Any]:
    return {"deadLetterTopic": f"projects/{PROJECT}/topics/{name}-dead", "maxDeliveryAttempts": 5}


def test_what_does_not_match_a_filter_is_never_handed_out_nor_counted(api: Api, name: str) -> None:
    made = subscribe(api, name, filter='attributes.kind = "a"')
    assert made["filter"] == 'attributes.kind = "a"'
    publish(api, name, b"1", b"2", kind="b")
    publish(api, name, b"3", kind="a")
    publish(api, name, b"4", kind="b")
    assert undelivered(api, name) == 1
    assert pull(api, name) == [b"3"]
    assert undelivered(api, name) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"filter": "data:x"},
        {"messageRetentionDuration": "3000000s"},
        {"deadLetterPolicy": {"deadLetterTopic": f"projects/{PROJECT}/topics/nobody", "maxDeliveryAttempts": 5}},
        {"pushConfig": {"pushEndpoint": "http://127.0.0.1:1", "noWrapper": {"writeMetadata": True}}},
    ],
)
def test_a_subscription_that_google_would_refuse_is_refused(api: Api, name: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ServiceError) as refusal:
        subscribe(api, name, **fields)
    assert refusal.value.code in {"INVALID_ARGUMENT", "NOT_FOUND"}


def test_a_message_is_pushed_in_an_envelope_with_a_token(api: Api, name: str, endpoint: str) -> None:
    with scripted() as script:
        token = {"serviceAccountEmail": EMAIL, "audience": "the service"}
        subscribe(api, name, **pushes(script, oidcToken=token), deadLetterPolicy=dead_letters(name))
        publish(api, name, b"body", kind="a")
        until(lambda: undelivered(api, name) == 0)
    (asked,) = script.asked
    told = json.loads(asked.body)
    assert (asked.method, asked.target) == ("POST", "/messages")
    assert told["subscription"] == f"projects/{PROJECT}/subscriptions/{name}"
    assert told["deliveryAttempt"] == 1
    message = told["message"]
    assert b64decode(message["data"]) == b"body"
    assert message["attributes"] == {"kind": "a"}
    assert message["messageId"] == message["message_id"]
    assert message["publishTime"] == message["publish_time"]
    bearer = asked.headers["authorization"].removeprefix("Bearer ")
    claims = verified(endpoint, bearer, "the service")
    assert (claims["iss"], claims["email"], claims["email_verified"]) == (ISSUER, EMAIL, True)
    with pytest.raises(ValueError, match="audience"):
        verified(endpoint, bearer, "another")


def test_the_audience_is_the_endpoint_unless_another_is_named(api: Api, name: str, endpoint: str) -> None:
    with scripted() as script:
        subscribe(api, name, **pushes(script, oidcToken={"serviceAccountEmail": EMAIL}))
        publish(api, name, b"body")
        until(lambda: undelivered(api, name) == 0)
        where = f"{script.endpoint}/messages"
    bearer = script.asked[0].headers["authorization"].removeprefix("Bearer ")
    verified(endpoint, bearer, where)


def test_the_keys_are_told_in_both_forms(api: Api) -> None:
    (key,) = api.call("GET", KEYS)["keys"]
    assert set(api.call("GET", CERTIFICATES)) == {key["kid"]}


def test_what_is_refused_is_pushed_again_and_dead_after_its_attempts(api: Api, name: str) -> None:
    with scripted(Answer(503), Answer(lost=True), Answer(200), *[Answer(500)] * 5) as script:
        subscribe(api, name, **pushes(script), deadLetterPolicy=dead_letters(name))
        publish(api, name, b"slow")
        until(lambda: undelivered(api, name) == 0)
        assert [json.loads(one.body)["deliveryAttempt"] for one in script.asked] == [1, 2, 3]
        publish(api, name, b"poison")
        until(lambda: undelivered(api, f"{name}-dead") == 1)
        assert [json.loads(one.body)["deliveryAttempt"] for one in script.asked[3:]] == [1, 2, 3, 4, 5]
    assert undelivered(api, name) == 0
    (letter,) = on(api, f"{name}-dead", "pull", {"maxMessages": 9, "returnImmediately": True})["receivedMessages"]
    assert b64decode(letter["message"]["data"]) == b"poison"
    assert letter["message"]["attributes"]["CloudPubSubDeadLetterSourceDeliveryCount"] == "5"
    assert letter["message"]["attributes"]["CloudPubSubDeadLetterSourceSubscription"] == name


def test_a_retry_policy_says_how_long_a_push_waits(api: Api, name: str) -> None:
    with scripted(Answer(500)) as script:
        policy = {"minimumBackoff": "0.7s", "maximumBackoff": "1s"}
        subscribe(api, name, **pushes(script), retryPolicy=policy)
        began = time.monotonic()
        publish(api, name, b"1")
        until(lambda: undelivered(api, name) == 0)
        assert time.monotonic() - began >= 0.7


def test_a_subscription_may_begin_and_end_to_push(api: Api, name: str) -> None:
    subscribe(api, name)
    publish(api, name, b"1")
    with scripted() as script:
        on(api, name, "modifyPushConfig", pushes(script))
        until(lambda: undelivered(api, name) == 0)
        with pytest.raises(ServiceError, match="FAILED_PRECONDITION"):
            pull(api, name)
        changed = {"subscription": {"pushConfig": {}}, "updateMask": "pushConfig"}
        api.call("PATCH", f"/v1/projects/{PROJECT}/subscriptions/{name}", changed)
        publish(api, name, b"2")
        assert pull(api, name) == [b"2"]
        assert len(script.asked) == 1


def test_who_may_do_what_is_kept(api: Api, name: str) -> None:
    path = f"/v1/projects/{PROJECT}/topics/{name}"
    before = api.call("GET", f"{path}:getIamPolicy")
    bindings = [{"role": "roles/pubsub.publisher", "members": [f"serviceAccount:{EMAIL}"]}]
    api.call("POST", f"{path}:setIamPolicy", {"policy": {**before, "bindings": bindings}})
    assert api.call("GET", f"{path}:getIamPolicy")["bindings"] == bindings
    with pytest.raises(ServiceError, match="ABORTED"):
        api.call("POST", f"{path}:setIamPolicy", {"policy": before})


def test_what_is_not_here_is_refused(api: Api, name: str) -> None:
    subscribe(api, name)
    hasty = Api("", endpoint=api.origin, tokens=Nobody(), sleep=lambda _: None)
    with closing(hasty):
        for path in (f"subscriptions/{name}:seek", f"snapshots/{name}"):
            with pytest.raises(ServiceError, match="UNIMPLEMENTED"):
                hasty.call("POST", f"/v1/projects/{PROJECT}/{path}", {})
