"""Settings: read once at the door, and handed to child processes whole."""

from pathlib import Path

from loopwright.settings import Settings


def test_an_empty_environment_is_the_local_provider_in_this_folder() -> None:
    settings = Settings.from_env({})
    assert (settings.provider, settings.project, settings.home) == ("local", Path(), Path(".loopwright"))


def test_the_state_lives_in_the_project_unless_it_is_sent_elsewhere() -> None:
    assert Settings.from_env({"LOOPWRIGHT_PROJECT": "mine"}).home == Path("mine/.loopwright")
    assert Settings.from_env({"LOOPWRIGHT_PROJECT": "mine", "LOOPWRIGHT_HOME": "state"}).home == Path("state")


def test_a_child_process_reads_back_what_its_parent_had(tmp_path: Path) -> None:
    place = {"LOOPWRIGHT_CLOUD_BUCKET": "ours"}
    settings = Settings("cloud", tmp_path / "home", tmp_path / "project", tmp_path / "now", place=place)
    assert Settings.from_env(settings.to_env()) == settings


def test_a_place_is_what_belongs_to_the_provider_and_nothing_else() -> None:
    environment = {"LOOPWRIGHT_PROVIDER": "cloud", "LOOPWRIGHT_CLOUD_BUCKET": "ours", "LOOPWRIGHT_SKY_BUCKET": "theirs"}
    assert Settings.from_env(environment).place == {"LOOPWRIGHT_CLOUD_BUCKET": "ours"}
