import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from typing_extensions import override

from adapters.gcp.api import ATTEMPTS, Api, Clients, quoted
from adapters.gcp.replies import ServiceError, translated
from adapters.gcp.tokens import Nobody, Token, TokenKeeper, Tokens
from loopwright.errors import DeniedError, UnavailableError
from tests.clouds.scripted import Answer, Script, scripted

SECRET = "ya29.very-secret"  # noqa: S105 - nobody's
DENIED = b'{"error":{"code":403,"message":"Permission denied on x","status":"PERMISSION_DENIED"}}'
CONFLICT = b'{"error":{"code":412,"message":"At least one...","errors":[{"reason":"conditionNotMet"}]}}'


def api(endpoint: str, tokens: Tokens | None = None, **more: float) -> Api:
    return Api("pubsub.googleapis.com", endpoint=endpoint, tokens=tokens or Nobody(), sleep=lambda _: None, **more)


def keeper() -> TokenKeeper:
    return TokenKeeper(lambda: Token(SECRET, 3_600.0), lambda: 0.0)


def sent(script: Script, method: str = "GET", **more: float) -> int:
    opened = api(script.endpoint, **more)
    try:
        return opened.send(method, "/a").status
    finally:
        opened.close()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(408),
        Answer(429),
        Answer(500),
        Answer(502),
        Answer(503, b'{"error":{"code":503,"status":"UNAVAILABLE"}}'),
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
    with scripted(*[Answer(503)] * 20) as script, pytest.raises(ServiceError, match="HTTP 503"):
        sent(script)
    assert len(script.asked) == ATTEMPTS


def test_nobody_at_the_other_end_is_unavailable() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(UnavailableError, match="does not answer"):
            sent(Script(f"http://127.0.0.1:{nobody.getsockname()[1]}"))


def test_the_pauses_grow_and_end() -> None:
    pauses: list[float] = []
    with scripted(*[Answer(500)] * 20) as script:
        opened = Api("", endpoint=script.endpoint, tokens=Nobody(), sleep=pauses.append)
        with pytest.raises(ServiceError):
            opened.send("GET", "/")
        opened.close()
    assert len(pauses) == ATTEMPTS - 1
    assert all(0 <= pause <= min(0.1 * 2**number, 3.0) for number, pause in enumerate(pauses))


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 412, 501])
def test_a_refusal_is_final(status: int) -> None:
    body = b'{"error":{"message":"no","status":"FAILED_PRECONDITION"}}'
    with scripted(Answer(status, body)) as script, pytest.raises(ServiceError, match="FAILED_PRECONDITION: no") as told:
        sent(script)
    assert len(script.asked) == 1
    assert (told.value.status, told.value.repeated) == (status, False)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(403, DENIED), "PERMISSION_DENIED"),
        (Answer(412, CONFLICT), "conditionNotMet"),
        (Answer(404), "HTTP 404"),
        (Answer(404, b"No such object: b/k"), "HTTP 404"),
        (Answer(404, b"[1]"), "HTTP 404"),
        (Answer(404, b"[]"), "HTTP 404"),
        (Answer(404, b'{"error":"not_found"}'), "HTTP 404"),
        (Answer(404, b'{"error":{"errors":[1]}}'), "HTTP 404"),
    ],
)
def test_a_refusal_tells_its_reason(answer: Answer, code: str) -> None:
    with scripted(answer) as script, pytest.raises(ServiceError) as told:
        sent(script)
    assert told.value.code == code
    assert told.value.body == answer.body


def test_a_refusal_after_a_lost_answer_says_that_it_was_repeated() -> None:
    with scripted(Answer(lost=True), Answer(412)) as script, pytest.raises(ServiceError) as told:
        sent(script, "PUT")
    assert told.value.repeated


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(403, DENIED), DeniedError),
        (Answer(403), DeniedError),
        (Answer(401), DeniedError),
        (Answer(404), UnavailableError),
    ],
)
def test_a_missing_permission_is_told_from_the_rest(answer: Answer, error: type[Exception]) -> None:
    with scripted(answer) as script, pytest.raises(error, match="could not read it") as told, translated("read it"):
        sent(script)
    assert isinstance(told.value.__cause__, ServiceError)


def test_a_call_speaks_json() -> None:
    with scripted(Answer(200, b'{"name":"x"}'), Answer(200)) as script:
        opened = api(script.endpoint, keeper())
        path = f"/v1/projects/p/topics/{quoted('a/b c')}"
        assert opened.call("PUT", path, {"labels": {"a": "ä"}}, query={"updateMask": "a,b", "force": True}) == {
            "name": "x"
        }
        assert opened.call("GET", "/v1/x") == {}
        opened.close()
    first, second = script.asked
    assert (first.method, first.target) == ("PUT", "/v1/projects/p/topics/a%2Fb%20c?updateMask=a%2Cb&force=true")
    assert (first.headers["content-type"], first.body) == ("application/json", '{"labels":{"a":"ä"}}'.encode())
    assert first.headers["authorization"] == f"Bearer {SECRET}"
    assert (second.target, second.body) == ("/v1/x", b"")
    assert "content-type" not in second.headers


def test_nobody_shows_no_token() -> None:
    with scripted() as script:
        sent(script)
    assert "authorization" not in script.asked[0].headers


def test_every_attempt_shows_a_good_token() -> None:
    class Changing(Tokens):
        made = 0

        @override
        def header(self) -> dict[str, str]:
            self.made += 1
            return {"Authorization": f"Bearer {self.made}"}

    with scripted(Answer(503), Answer(lost=True)) as script:
        opened = api(script.endpoint, Changing())
        opened.send("GET", "/")
        opened.close()
    assert [asked.headers["authorization"] for asked in script.asked] == ["Bearer 1", "Bearer 2", "Bearer 3"]


@pytest.mark.parametrize("error", [DeniedError("no login"), UnavailableError("the machine's token")])
def test_whoever_has_no_token_asks_nothing(error: Exception) -> None:
    def source() -> Token:
        raise error

    with scripted() as script:
        opened = api(script.endpoint, TokenKeeper(source, lambda: 0.0))
        with pytest.raises(type(error)) as told:
            opened.call("GET", "/")
        opened.close()
    assert told.value is error
    assert script.asked == []


def test_connections_are_kept_alive() -> None:
    with scripted() as script:
        opened = api(script.endpoint)
        for _ in range(3):
            opened.send("GET", "/")
        opened.close()
    assert len({each.client for each in script.asked}) == 1


def test_a_connection_that_ended_while_it_lay_idle_is_not_used() -> None:
    with scripted(Answer(closes=True)) as script:
        opened = api(script.endpoint)
        opened.send("PUT", "/")
        assert script.closed.wait(5.0)
        script.answers.append(Answer(412))
        with pytest.raises(ServiceError) as told:
            opened.send("PUT", "/")
        opened.close()
    assert not told.value.repeated
    assert len(script.asked) == 2


def test_threads_share_a_client() -> None:
    with scripted() as script:
        opened = api(script.endpoint)
        together(8, lambda: [opened.send("GET", "/") for _ in range(10)])
        opened.close()
    assert len(script.asked) == 80


def test_no_message_and_no_representation_has_a_secret() -> None:
    with scripted(Answer(403, DENIED), *[Answer(lost=True)] * ATTEMPTS) as script:
        tokens = keeper()
        opened = api(script.endpoint, tokens)
        seen = [repr(opened), repr(tokens), repr(Token(SECRET, 0.0))]
        for _ in range(2):
            with pytest.raises((DeniedError, UnavailableError)) as told, translated("read it"):
                opened.send("GET", "/")
            seen += [repr(told.value), repr(told.value.__cause__)]
        opened.close()
    assert not [text for text in seen if "very-secret" in text]


def test_a_place_has_one_client_a_service() -> None:
    clients = Clients(Nobody(), endpoint="")
    assert clients.api("pubsub.googleapis.com") is clients.api("pubsub.googleapis.com")
    assert clients.api("run.googleapis.com").origin == "https://run.googleapis.com"
    clients.close()
    local = Clients(Nobody(), endpoint="http://127.0.0.1:1")
    assert local.api("run.googleapis.com").origin == "http://127.0.0.1:1"
    local.close()


def together(count: int, act: Callable[[], object]) -> None:
    barrier = Barrier(count, timeout=20.0)

    def run(_: int) -> None:
        barrier.wait()
        act()

    with ThreadPoolExecutor(count) as pool:
        list(pool.map(run, range(count)))
