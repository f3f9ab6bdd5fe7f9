import json
import time
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from adapters.gcp.tokens import Nobody, Token, TokenKeeper, account_says, from_machine, on_google, source_of, tokens_of
from loopwright.errors import DeniedError, UnavailableError
from tests.adapters.gcp.test_api import together
from tests.clouds.scripted import Answer, scripted

TOLD = Answer(200, b'{"access_token":"ya29.a","expires_in":3599,"token_type":"Bearer"}')
METADATA = "/computeMetadata/v1/instance/service-accounts/default"


class Ending:
    """A source of tokens that are good for an hour; it may fail."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.broken = False

    def __call__(self) -> Token:
        self.asked += 1
        if self.broken:
            raise UnavailableError("broken")
        return Token(f"t{self.asked}", self.now + 3_600.0)


@pytest.fixture
def source() -> Ending:
    return Ending()


@pytest.fixture
def keeper(source: Ending) -> TokenKeeper:
    return TokenKeeper(source, lambda: source.now)


def test_a_token_is_kept_while_it_is_good(source: Ending, keeper: TokenKeeper) -> None:
    assert keeper.header() == {"Authorization": "Bearer t1"}
    source.now = 3_300.0
    assert keeper.header() == {"Authorization": "Bearer t1"}
    assert source.asked == 1


def test_a_token_is_renewed_before_it_ends(source: Ending, keeper: TokenKeeper) -> None:
    keeper.header()
    source.now = 3_361.0
    assert keeper.header() == {"Authorization": "Bearer t2"}


def test_threads_that_need_a_token_at_once_fetch_it_once(source: Ending, keeper: TokenKeeper) -> None:
    together(8, keeper.header)
    assert source.asked == 1


def test_a_token_that_is_still_good_bridges_a_broken_source(source: Ending, keeper: TokenKeeper) -> None:
    keeper.header()
    source.now, source.broken = 3_400.0, True
    assert keeper.header() == {"Authorization": "Bearer t1"}
    source.now = 3_600.0
    with pytest.raises(UnavailableError):
        keeper.header()
    source.broken = False
    assert keeper.header() == {"Authorization": "Bearer t4"}


def test_nobody_has_none() -> None:
    assert Nobody().header() == {}


def test_the_project_that_a_persons_calls_count_for_is_named() -> None:
    keeper = TokenKeeper(lambda: Token("t", 3_600.0, "mine"), lambda: 0.0)
    assert keeper.header() == {"Authorization": "Bearer t", "X-Goog-User-Project": "mine"}


@pytest.mark.parametrize("variable", ["K_SERVICE", "CLOUD_RUN_JOB", "CLOUD_ML_JOB_ID"])
def test_a_process_on_googles_machines_asks_the_machine(variable: str) -> None:
    assert on_google({variable: "x"}) == "metadata.google.internal"
    assert on_google({variable: "x", "GCE_METADATA_HOST": "h:1"}) == "h:1"
    assert on_google({variable: "x", "GOOGLE_APPLICATION_CREDENTIALS": "/key.json"}) == ""
    assert on_google({}) == ""


def test_a_machine_has_tokens_for_its_account() -> None:
    with scripted(TOLD) as script:
        environment = {"K_SERVICE": "predict", "GCE_METADATA_HOST": script.endpoint.removeprefix("http://")}
        tokens = tokens_of(environment, lambda: 1_000.0)
        assert tokens.header() == tokens.header() == {"Authorization": "Bearer ya29.a"}
    assert [(asked.target, asked.headers["metadata-flavor"]) for asked in script.asked] == [
        (f"{METADATA}/token", "Google")
    ]


def test_a_token_ends_when_the_machine_says() -> None:
    with scripted(TOLD) as script:
        assert from_machine(script.endpoint.removeprefix("http://"), lambda: 1_000.0) == Token("ya29.a", 4_599.0)


def test_a_machine_that_is_not_ready_is_asked_again() -> None:
    pauses: list[float] = []
    with scripted(Answer(503), Answer(lost=True), Answer(200, b"a@b")) as script:
        host = script.endpoint.removeprefix("http://")
        assert account_says(host, "email", sleep=pauses.append) == b"a@b"
        script.answers += [Answer(503)] * 3
        with pytest.raises(UnavailableError, match="the machine's email: HTTP 503"):
            account_says(host, "email", sleep=pauses.append)
    assert len(script.asked) == 6
    assert len(pauses) == 4


@pytest.mark.parametrize(
    "told", [b'{"access_token":"ya29.very-secr', b"[]", b"{}", b'{"access_token":"ya29.very-secret"}']
)
def test_half_a_token_is_none_and_nobody_sees_it(told: bytes) -> None:
    none = pytest.raises(UnavailableError, match="the machine's token: the answer is none")
    with scripted(Answer(200, told)) as script, none as error:
        from_machine(script.endpoint.removeprefix("http://"), lambda: 0.0)
    assert "very-sec" not in repr(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


def test_a_person_without_a_login_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_here(tmp_path, monkeypatch)
    with pytest.raises(DeniedError, match="gcloud auth application-default login"):
        source_of({}, lambda: 0.0)()


def test_the_key_of_a_service_account_gets_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody_here(tmp_path, monkeypatch)
    with scripted(TOLD, Answer(400, b'{"error":"invalid_grant"}')) as script:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path, script.endpoint)))
        environment = {"K_SERVICE": "x", "GOOGLE_APPLICATION_CREDENTIALS": "it is looked up where google-auth looks"}
        source = source_of(environment, time.time)
        token = source()
        with pytest.raises(DeniedError, match="invalid_grant"):
            source()
    assert token.text == "ya29.a"
    assert 3_500 < token.expires - time.time() < 3_600
    assert "assertion" in parse_qs(script.asked[0].body.decode())


def test_a_login_service_that_does_not_answer_is_no_missing_permission(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody_here(tmp_path, monkeypatch)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key_file(tmp_path, "http://127.0.0.1:9")))
    with pytest.raises(UnavailableError, match="a token of Google's"):
        source_of({}, time.time)()


def nobody_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide whatever login there is on this machine."""
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "K_SERVICE", "GCE_METADATA_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(folder))
    monkeypatch.setenv("NO_GCE_CHECK", "true")


def key_file(folder: Path, login: str) -> Path:
    """Make the key of a service account whose tokens come from `login`."""
    key = generate_private_key(public_exponent=65_537, key_size=2_048)
    text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": text,
        "client_email": "robot@p.iam.gserviceaccount.com",
        "token_uri": f"{login}/token",
    }
    path = folder / "key.json"
    path.write_text(json.dumps(account))
    return path
