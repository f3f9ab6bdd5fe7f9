from pathlib import Path

import pytest

from adapters.aws.credentials import CredentialsKeeper, from_container, source_of
from adapters.aws.signing import Credentials
from loopwright.clock import isoformat
from loopwright.errors import DeniedError, UnavailableError
from tests.adapters.aws.test_api import together
from tests.clouds.scripted import Answer, scripted


class Ending:
    """A source of credentials that are good for an hour; it may fail."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.broken = False

    def __call__(self) -> Credentials:
        self.asked += 1
        if self.broken:
            raise UnavailableError("broken")
        return Credentials(f"key{self.asked}", "secret", "token", self.now + 3_600.0)


@pytest.fixture
def source() -> Ending:
    return Ending()


@pytest.fixture
def keeper(source: Ending) -> CredentialsKeeper:
    return CredentialsKeeper(source, lambda: source.now)


def test_credentials_are_kept_while_they_are_good(source: Ending, keeper: CredentialsKeeper) -> None:
    first = keeper()
    source.now = 3_000.0
    assert keeper() is first
    assert source.asked == 1


def test_credentials_are_renewed_before_they_end(source: Ending, keeper: CredentialsKeeper) -> None:
    first = keeper()
    source.now = 3_301.0
    assert keeper().access_key == "key2" != first.access_key


def test_credentials_without_an_end_are_fetched_once() -> None:
    fetched: list[Credentials] = []
    keeper = CredentialsKeeper(lambda: fetched.append(Credentials("A", "S")) or fetched[-1], lambda: 1e12)
    assert keeper() is keeper()
    assert len(fetched) == 1


def test_threads_that_need_credentials_at_once_fetch_them_once(source: Ending, keeper: CredentialsKeeper) -> None:
    together(8, keeper)
    assert source.asked == 1


def test_credentials_that_are_still_good_bridge_a_broken_source(source: Ending, keeper: CredentialsKeeper) -> None:
    first = keeper()
    source.now, source.broken = 3_400.0, True
    assert keeper() is first
    source.now = 3_600.0
    with pytest.raises(UnavailableError):
        keeper()
    source.broken = False
    assert keeper() is not first


def test_a_function_has_its_credentials_in_its_environment() -> None:
    environment = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S", "AWS_SESSION_TOKEN": "T"}
    assert source_of(environment)() == Credentials("A", "S", "T")
    with pytest.raises(DeniedError, match="AWS_SECRET_ACCESS_KEY"):
        source_of({"AWS_ACCESS_KEY_ID": "A"})()


def test_a_container_has_them_at_an_address() -> None:
    told = f'{{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"{isoformat(60.0)}"}}'
    with scripted(Answer(200, told.encode()), Answer(500), Answer(200, b'{"half'), Answer(lost=True)) as script:
        url = f"{script.endpoint}/v2/x"
        assert from_container(url) == Credentials("A", "S", "T", 60.0)
        assert script.asked[0].target == "/v2/x"
        for _ in range(3):
            with pytest.raises(UnavailableError, match="the container's credentials"):
                from_container(url)


def test_a_function_that_starts_from_a_snapshot_shows_the_token_it_has_now() -> None:
    told = f'{{"AccessKeyId":"A","SecretAccessKey":"S","Token":"T","Expiration":"{isoformat(60.0)}"}}'
    with scripted(Answer(200, told.encode())) as script:
        environment = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{script.endpoint}/2021-08-23/credentials"}
        source = source_of(environment)
        environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "since it was restored"  # noqa: S105 - of a test
        assert source() == Credentials("A", "S", "T", 60.0)
        assert script.asked[0].target == "/2021-08-23/credentials"
        assert script.asked[0].headers["authorization"] == "since it was restored"


def test_a_token_is_not_shown_to_another_machine_in_the_clear() -> None:
    source = source_of({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://elsewhere.example/credentials"})
    with pytest.raises(DeniedError, match="is no address of this host; use https"):
        source()


def test_a_person_has_them_in_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "credentials"
    file.write_text("[mine]\naws_access_key_id = A\naws_secret_access_key = S\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert source_of({"AWS_PROFILE": "mine"})() == Credentials("A", "S")
    with pytest.raises(DeniedError, match="sign in"):
        source_of({"AWS_PROFILE": "nobody"})()
    with pytest.raises(DeniedError, match="sign in"):
        source_of({})()
