"""Who is it? By keys, by tokens, and as the platform in front tells; and which requests a browser was made to send."""

import base64
from collections.abc import Iterator, Mapping
from hashlib import sha256

import pytest

from functions.application import Application
from functions.callers import ANONYMOUS, Caller, caller_of_event, name_of
from functions.entrance import entrance
from functions.handlers import Handler
from functions.origins import OwnPages, hosts_of
from functions.tracking.errors import refusal, refusal_at
from functions.web import Answer, Call, Endpoint, json_answer
from loopwright.ports import Platform
from tests.airport.caller import Caller as Client
from tests.functions.issuer import AUDIENCE, EMAIL, Issuer, issuing, stripped
from tests.functions.test_handlers import request

ANN = "0123456789abcdef-of-ann"
BOB = "fedcba9876543210-of-bob"
KEYS = {"LOOPWRIGHT_API_KEYS": f"ann@x.example:{ANN},bob:sha256={sha256(BOB.encode()).hexdigest()}"}
GOOGLE = "https://accounts.google.com"


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as made:
        yield made


def telling(platform: Platform) -> Application:
    """Tells every caller who he is."""

    def tell(call: Call) -> Answer:
        return json_answer([call.caller.name, call.caller.known])

    return Application([Endpoint("/who", tell, platform.telemetry, method="GET")])


def behind(platform: Platform, environment: Mapping[str, str], *, personal: bool = True) -> Client:
    return Client(entrance(telling(platform), platform, environment, personal=personal, refusal=refusal_at(["/api/"])))


def basic(password: str, user: str = "whoever") -> dict[str, str]:
    return {"authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize(("key", "name"), [(ANN, "ann@x.example"), (BOB, "bob")])
def test_a_key_in_whichever_place_says_whose_it_is(platform: Platform, key: str, name: str) -> None:
    client = behind(platform, KEYS)
    for headers in ({"x-api-key": key}, bearer(key), basic(key), basic(key, "")):
        assert client.get("/who", headers).body == [name, "key"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        bearer(""),
        bearer(f"{ANN}x"),
        basic(""),
        basic("wrong", ANN),
        {"authorization": "Basic not base64"},
        {"authorization": ANN},
        {"x-api-key": "wrong", **bearer(ANN)},
        [("authorization", f"Bearer {ANN}"), ("authorization", f"Bearer {BOB}")],
    ],
)
def test_without_a_key_that_is_known_a_browser_is_asked_for_a_password(platform: Platform, headers: object) -> None:
    client = behind(platform, KEYS)
    answer = client.get("/who", headers)
    assert (answer.status, answer.content_type) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == 'Basic realm="loopwright", charset="UTF-8"'
    answer = client.post("/api/2.0/mlflow/runs/create", {}, headers)
    assert (answer.status, answer.body["error_code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert ANN not in answer.text


def test_whose_a_token_is(platform: Platform, issuer: Issuer) -> None:
    environment = {"LOOPWRIGHT_JWT_ISSUER": issuer.address, "LOOPWRIGHT_JWT_AUDIENCE": AUDIENCE}
    client = behind(platform, environment)
    assert client.get("/who", issuer.bearer()).body == [EMAIL, "token"]
    assert client.get("/who", issuer.bearer(email=None)).body == ["sub:1", "token"]
    assert client.get("/who", issuer.bearer(email_verified=False, sub=EMAIL)).body == [f"sub:{EMAIL}", "token"]
    named = behind(platform, {**environment, "LOOPWRIGHT_AUTH_NAME": "upn"})
    assert named.get("/who", issuer.bearer(upn="ann")).body == ["ann", "token"]


def test_behind_cloud_runs_own_check_the_token_that_it_verified_says_whose_a_request_is(
    platform: Platform, issuer: Issuer
) -> None:
    client = behind(platform, {"LOOPWRIGHT_AUTH": "iam", "LOOPWRIGHT_AUTH_FRONT": "cloud-run"})
    ann = stripped(issuer.token(iss=GOOGLE, email="ann@x.example"))
    assert client.get("/who", bearer(ann)).body == ["ann@x.example", "platform"]
    forged = {**bearer(ann), "x-serverless-authorization": f"Bearer {stripped(issuer.token(iss=GOOGLE, email='b@x'))}"}
    assert client.get("/who", forged).body == ["b@x", "platform"]
    for wrong in ({}, bearer(issuer.token(iss=GOOGLE)), bearer("x.SIGNATURE_REMOVED_BY_GOOGLE")):
        assert client.get("/who", wrong).status == 401
    assert client.get("/who", bearer(stripped(issuer.token()))).status == 403  # of an issuer that is not Google


def test_schedules_are_known_by_the_token_that_cloud_run_has_verified_and_by_no_other(
    platform: Platform, issuer: Issuer
) -> None:
    told = {
        "AUDIENCE": AUDIENCE,
        "EMAILS": EMAIL,
        "ISSUER": issuer.address,
        "CERTS": issuer.certs,
        "FRONT": "cloud-run",
    }
    environment = {f"LOOPWRIGHT_CALLERS_{name}": value for name, value in told.items()} | {"LOOPWRIGHT_AUTH": "iam"}
    app = entrance(telling(platform), platform, environment, schedules={"rest": lambda: "rested"})
    forged, own = stripped(issuer.token()), stripped(issuer.token(email="somebody@else.example"))
    headers = {**bearer(forged), "x-serverless-authorization": f"Bearer {own}"}
    assert Client(app).post("/due/rest", b"", headers).status == 403
    assert Client(app).post("/due/rest", b"", bearer(forged)).body == "rested"


def test_where_it_does_not_matter_who_people_are_nobody_is_asked(platform: Platform) -> None:
    environment = {"LOOPWRIGHT_AUTH": "iam", "LOOPWRIGHT_AUTH_FRONT": "cloud-run"}
    assert behind(platform, environment, personal=False).get("/who").body == ["", "nobody"]
    assert behind(platform, {}).get("/who").body == ["", "nobody"]


ARN = "arn:aws:sts::123456789012:assumed-role/scientists/ann"


@pytest.mark.parametrize(
    ("context", "caller"),
    [
        ({"authorizer": {"iam": {"userArn": ARN, "accountId": "1"}}}, Caller(ARN, "platform")),
        ({"identity": {"userArn": ARN}}, Caller(ARN, "platform")),
        ({"authorizer": {"jwt": {"claims": {"sub": "7", "scope": "x"}}}}, Caller("sub:7", "platform")),
        (
            {"authorizer": {"jwt": {"claims": {"sub": "7", "email": "a@x", "email_verified": "true"}}}},
            Caller("a@x", "platform"),
        ),
        ({"authorizer": {"claims": {"sub": "7"}}}, Caller("sub:7", "platform")),
        ({"authorizer": {"jwt": {"claims": {}}}}, ANONYMOUS),
        ({"identity": {"userArn": None}}, ANONYMOUS),
        ({"authorizer": None}, ANONYMOUS),
        ({}, ANONYMOUS),
    ],
)
def test_whom_an_api_in_front_of_a_function_has_let_in(context: Mapping[str, object], caller: Caller) -> None:
    assert caller_of_event({"requestContext": context}, "") == caller


def test_a_name_is_a_claim_that_is_text() -> None:
    assert name_of({"groups": ["a"]}, "groups") == ""
    assert name_of({"upn": "ann"}, "upn") == "ann"


def test_a_function_on_lambda_knows_its_callers_and_keeps_others_out(platform: Platform) -> None:
    def answered(environment: Mapping[str, str], headers: Mapping[str, str], authorizer: object = None) -> tuple:
        app = OwnPages(telling(platform), refusal=refusal)
        handler = Handler(entrance(app, platform, environment, personal=True, refusal=refusal), platform.telemetry)
        event = request("/who")
        event["requestContext"]["http"]["method"] = "GET"
        event["requestContext"]["authorizer"] = authorizer
        found = handler({**event, "headers": {**event["headers"], **headers}}, None)
        return found["statusCode"], found["body"]

    iam = {"iam": {"userArn": ARN}}
    assert answered({"LOOPWRIGHT_AUTH": "iam"}, {}, iam) == (200, f'["{ARN}","platform"]')
    assert answered(KEYS, bearer(ANN)) == (200, '["ann@x.example","key"]')
    assert answered(KEYS, {}, iam)[0] == 401


CHANGE = "/api/2.0/mlflow/runs/create"


def changing(platform: Platform, **given: object) -> Client:
    done = Endpoint(CHANGE, lambda call: json_answer([call.caller.name]), platform.telemetry)
    read = Endpoint("/", lambda _: json_answer("page"), platform.telemetry, method="GET")
    return Client(OwnPages(Application([done, read]), refusal=refusal, **given))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://airport"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://airport:81"}, 403),
        ({"origin": "http://airport.evil.example"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "https://front.example"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://airport"}, 403),
    ],
)
def test_pages_of_others_change_nothing(platform: Platform, headers: Mapping[str, str], status: int) -> None:
    answer = changing(platform).post(CHANGE, {}, headers)
    assert answer.status == status
    assert changing(platform).get("/", headers).status == 200
    if status == 403:
        assert answer.body["error_code"] == "PERMISSION_DENIED"


def test_a_server_for_this_machine_answers_to_its_names_only(platform: Platform) -> None:
    hosts = hosts_of("127.0.0.1", {"LOOPWRIGHT_HOSTS": "host.docker.internal, Box"})
    client = changing(platform, hosts=hosts, whose=Caller("ann", "machine"))
    for host in ("localhost:8080", "127.0.0.1", "[::1]:8080", "LOCALHOST", "host.docker.internal:1", "box"):
        assert client.post(CHANGE, {}, {"host": host}).body == ["ann"]
    for host in (
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "",
        "[",
        "10.0.0.1",
    ):
        answer = client.get("/", {"host": host})
        assert (answer.status, "LOOPWRIGHT_HOSTS" in answer.text) == (403, True)
    assert hosts_of("10.0.0.1", {}) == frozenset()
