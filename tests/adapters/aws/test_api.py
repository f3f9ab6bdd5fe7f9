import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from adapters.aws.api import ATTEMPTS, Api, Clients
from adapters.aws.credentials import CredentialsKeeper
from adapters.aws.replies import ServiceError, translated
from adapters.aws.signing import Credentials, Request
from loopwright.errors import DeniedError, UnavailableError
from tests.clouds.scripted import Answer, Script, scripted

SECRET = "wJalrXUtnFEMI-very-secret"  # noqa: S105 - nobody's
TOKEN = "FwoGZXIvYXdz-very-secret"  # noqa: S105
REGION = "eu-central-1"
THROTTLED = b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}'
DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


def api(endpoint: str, service: str = "dynamodb", **more: float) -> Api:
    keeper = CredentialsKeeper(lambda: Credentials("AKIA", SECRET, TOKEN), lambda: 0.0)
    return Api(service, REGION, endpoint=endpoint, credentials=keeper, sleep=lambda _: None, **more)


def sent(script: Script, method: str = "GET", **more: float) -> int:
    opened = api(script.endpoint, **more)
    try:
        return opened.send(Request(method, opened.host, "/a")).status
    finally:
        opened.close()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, THROTTLED),
        Answer(503, SLOW_DOWN),
        Answer(500),
        Answer(429),
        Answer(409, b"<Error><Code>ConditionalRequestConflict</Code></Error>"),
        Answer(lost=True),
        Answer(200, b"half", {"Content-Length": "100"}, closes=True),
    ],
)
def test_what_may_work_later_is_tried_again(answer: Answer) -> None:
    with scripted(answer, answer, Answer(200)) as script:
        assert sent(script) == 200
    assert len(script.asked) == 3


def test_a_service_that_stays_silent_is_asked_again() -> None:
    with scripted(Answer(silent=30.0)) as script:
        assert sent(script, timeout=0.2) == 200
    assert len(script.asked) == 2


def test_what_never_works_is_given_up() -> None:
    with scripted(*[Answer(503, SLOW_DOWN)] * 20) as script, pytest.raises(ServiceError, match="SlowDown"):
        sent(script)
    assert len(script.asked) == ATTEMPTS


def test_nobody_at_the_other_end_is_unavailable() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(UnavailableError, match="does not answer"):
            sent(Script(f"http://127.0.0.1:{nobody.getsockname()[1]}"))


def test_the_pauses_grow_and_end() -> None:
    pauses: list[float] = []
    keeper = CredentialsKeeper(lambda: Credentials("AKIA", SECRET), lambda: 0.0)
    with scripted(*[Answer(500)] * 20) as script:
        opened = Api("s3", REGION, endpoint=script.endpoint, credentials=keeper, sleep=pauses.append)
        with pytest.raises(ServiceError):
            opened.send(Request("GET", opened.host))
        opened.close()
    assert len(pauses) == ATTEMPTS - 1
    assert all(0 <= pause <= min(0.1 * 2**number, 3.0) for number, pause in enumerate(pauses))


@pytest.mark.parametrize("status", [301, 400, 403, 404, 409, 412])
def test_a_refusal_is_final(status: int) -> None:
    body = b'{"__type":"ValidationException","message":"no"}'
    with scripted(Answer(status, body)) as script, pytest.raises(ServiceError, match="ValidationException: no") as told:
        sent(script)
    assert len(script.asked) == 1
    assert (told.value.status, told.value.repeated) == (status, False)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(400, b"{}", {"x-amzn-ErrorType": "ResourceNotFoundException:http://x"}), "ResourceNotFoundException"),
        (Answer(400, b'{"__type":"a.b#ConditionalCheckFailedException"}'), "ConditionalCheckFailedException"),
        (Answer(404, DENIED), "AccessDenied"),
        (Answer(404), "HTTP 404"),
        (Answer(404, b"<not xml"), "HTTP 404"),
        (Answer(404, b"[1]"), "HTTP 404"),
    ],
)
def test_a_refusal_tells_its_reason(answer: Answer, code: str) -> None:
    with scripted(answer) as script, pytest.raises(ServiceError) as told:
        sent(script)
    assert told.value.code == code


def test_a_refusal_after_a_lost_answer_says_that_it_was_repeated() -> None:
    with scripted(Answer(lost=True), Answer(412)) as script, pytest.raises(ServiceError) as told:
        sent(script, "PUT")
    assert told.value.repeated


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(403, DENIED), DeniedError),
        (Answer(403), DeniedError),
        (Answer(400, b'{"__type":"AccessDeniedException"}'), DeniedError),
        (Answer(400, b'{"__type":"ExpiredTokenException"}'), DeniedError),
        (Answer(404), UnavailableError),
    ],
)
def test_a_missing_permission_is_told_from_the_rest(answer: Answer, error: type[Exception]) -> None:
    with scripted(answer) as script, pytest.raises(error, match="could not read it") as told, translated("read it"):
        sent(script)
    assert isinstance(told.value.__cause__, ServiceError)


def test_a_call_speaks_json() -> None:
    with scripted(Answer(200, b'{"Item":{"a":{"S":"b"}}}'), Answer(200)) as script:
        opened = api(script.endpoint)
        assert opened.call("DynamoDB_20120810.GetItem", {"TableName": "t"}) == {"Item": {"a": {"S": "b"}}}
        assert opened.call("AWSEvents.PutEvents", {}, version="1.1") == {}
        opened.close()
    first, second = script.asked
    assert (first.method, first.target, first.body) == ("POST", "/", b'{"TableName":"t"}')
    assert first.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"
    assert first.headers["content-type"] == "application/x-amz-json-1.0"
    assert second.headers["content-type"] == "application/x-amz-json-1.1"
    assert first.headers["x-amz-security-token"] == TOKEN


def test_connections_are_kept_alive() -> None:
    with scripted() as script:
        opened = api(script.endpoint)
        for _ in range(3):
            opened.send(Request("GET", opened.host))
        opened.close()
    assert len({each.client for each in script.asked}) == 1


def test_a_connection_that_ended_while_it_lay_idle_is_not_used() -> None:
    with scripted(Answer(closes=True)) as script:
        opened = api(script.endpoint)
        opened.send(Request("PUT", opened.host))
        assert script.closed.wait(5.0)
        script.answers.append(Answer(412))
        with pytest.raises(ServiceError) as told:
            opened.send(Request("PUT", opened.host))
        opened.close()
    assert not told.value.repeated
    assert len(script.asked) == 2


def test_one_broken_connection_takes_those_that_lay_beside_it_along() -> None:
    with scripted(*[Answer(silent=0.2)] * 4) as script:
        opened = api(script.endpoint)
        together(4, lambda: opened.send(Request("GET", opened.host)))
        script.answers[:] = [Answer(lost=True)]
        opened.send(Request("GET", opened.host))
        opened.close()
    before, last = script.asked[:4], script.asked[-1]
    assert len({each.client for each in before}) == 4
    assert last.client not in {each.client for each in before}


def test_each_host_has_connections_of_its_own() -> None:
    with scripted() as one, scripted() as other:
        opened = api(one.endpoint)
        for script in (one, other, one, other):
            opened.send(Request("GET", script.endpoint.removeprefix("http://")))
        opened.close()
    assert [len(script.asked) for script in (one, other)] == [2, 2]
    assert all(len({each.client for each in script.asked}) == 1 for script in (one, other))


def test_threads_share_a_client() -> None:
    with scripted() as script:
        opened = api(script.endpoint)
        together(8, lambda: [opened.send(Request("GET", opened.host)) for _ in range(10)])
        opened.close()
    assert len(script.asked) == 80


def test_no_message_and_no_representation_has_a_secret() -> None:
    with scripted(Answer(403, DENIED), *[Answer(lost=True)] * ATTEMPTS) as script:
        opened = api(script.endpoint)
        seen = [repr(opened), repr(opened.credentials), repr(opened.credentials())]
        for _ in range(2):
            with pytest.raises((DeniedError, UnavailableError)) as told, translated("read it"):
                opened.send(Request("GET", opened.host))
            seen += [repr(told.value), repr(told.value.__cause__)]
        opened.close()
    assert not [text for text in seen if "very-secret" in text]


def test_a_place_has_one_client_a_service() -> None:
    clients = Clients(REGION, endpoint="", environment={"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S"})
    assert clients.api("sqs") is clients.api("sqs")
    assert clients.api("sqs").host == "sqs.eu-central-1.amazonaws.com"
    assert Clients("cn-north-1", endpoint="", environment={}).api("s3").host == "s3.cn-north-1.amazonaws.com.cn"
    clients.close()


def together(count: int, act: Callable[[], object]) -> None:
    barrier = Barrier(count, timeout=20.0)

    def run(_: int) -> None:
        barrier.wait()
        act()

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(run, range(count)))
