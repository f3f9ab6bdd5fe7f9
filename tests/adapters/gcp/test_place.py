import pytest

from adapters import open_platform
from adapters.gcp.place import GcpPlace
from loopwright.errors import DefinitionError
from loopwright.settings import Settings

NEEDED = {
    "LOOPWRIGHT_GCP_PROJECT": "p",
    "LOOPWRIGHT_GCP_REGION": "europe-west3",
    "LOOPWRIGHT_GCP_BUCKET": "b",
    "LOOPWRIGHT_GCP_DATABASE": "d",
    "LOOPWRIGHT_GCP_QUEUES": "q",
}


def test_a_place_comes_back_from_its_variables() -> None:
    place = GcpPlace("p", "r", "b", "d", "q", job="j", vertex="true", endpoint="http://127.0.0.1:1")
    assert GcpPlace.from_env(place.to_env()) == place
    assert "LOOPWRIGHT_GCP_TRAINING_IMAGE" not in place.to_env()


def test_the_project_may_be_the_one_that_googles_tools_use() -> None:
    others = {name: value for name, value in NEEDED.items() if name != "LOOPWRIGHT_GCP_PROJECT"}
    assert GcpPlace.from_env({**others, "GOOGLE_CLOUD_PROJECT": "theirs"}).project == "theirs"
    assert GcpPlace.from_env({**NEEDED, "GOOGLE_CLOUD_PROJECT": "theirs"}).project == "p"


@pytest.mark.parametrize("missing", NEEDED)
def test_a_variable_that_is_missing_is_named(missing: str) -> None:
    others = {name: value for name, value in NEEDED.items() if name != missing}
    with pytest.raises(DefinitionError, match=f"wants {missing} too"):
        GcpPlace.from_env({**others, missing: ""})


def test_a_platform_without_a_place_tells_all_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*NEEDED, "GOOGLE_CLOUD_PROJECT"]:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DefinitionError, match=", ".join(NEEDED)):
        open_platform(Settings("gcp"))
