"""Providers: chosen by name."""

import pytest

from adapters import open_platform
from adapters.aws.place import AwsPlace
from adapters.gcp.place import GcpPlace
from loopwright.errors import DefinitionError
from loopwright.settings import Settings


def test_an_unknown_provider_is_refused_with_the_choices() -> None:
    with pytest.raises(DefinitionError, match="LOOPWRIGHT_PROVIDER=azure: use one of memory, local"):
        open_platform(Settings("azure"))


def test_a_cloud_without_a_place_tells_the_variables_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LOOPWRIGHT_AWS_BUCKET", raising=False)
    with pytest.raises(DefinitionError, match="LOOPWRIGHT_AWS_BUCKET"):
        open_platform(Settings("aws"))


AWS = AwsPlace("eu-west-1", "a-bucket", "a-table", "ours", "a-bus", endpoint="http://127.0.0.1:1")
GCP = GcpPlace("a-project", "europe-west3", "a-bucket", "a-database", "ours", endpoint="http://127.0.0.1:1")


@pytest.mark.parametrize(("provider", "place"), [("aws", AWS), ("gcp", GCP)])
def test_settings_hand_a_place_on_whole(provider: str, place: AwsPlace | GcpPlace) -> None:
    handed = Settings.from_env(Settings(provider, place=place.to_env()).to_env())
    assert type(place).from_env(handed.place) == place


def test_what_a_cloud_s_own_tools_call_it_will_do() -> None:
    own = {**AWS.to_env(), "LOOPWRIGHT_AWS_REGION": "", "AWS_REGION": "eu-west-1"}
    assert AwsPlace.from_env(own) == AWS
