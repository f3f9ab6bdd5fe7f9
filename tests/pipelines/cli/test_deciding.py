"""`loopwright promote` and `loopwright rollback`: the champion moves, and whoever listens is told."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from adapters import open_platform
from loopwright.settings import Settings
from tests.airport import world

COMMAND = Path(sys.executable).with_name("loopwright")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings("local", tmp_path, world.FOLDER)


def loopwright(settings: Settings, *arguments: str) -> None:
    environment = {**os.environ, **settings.to_env()}
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr


def test_a_champion_that_is_moved_by_hand_is_told_by_an_event(settings: Settings) -> None:
    with closing(open_platform(settings)) as platform:
        first, second = world.register(platform), world.register(platform)
    loopwright(settings, "promote", str(first), "--who", "ada", "--model", "delays")
    loopwright(settings, "promote", str(second), "--who", "ada", "--model", "delays")
    loopwright(settings, "rollback", "--who", "bob", "--model", "delays")
    with closing(open_platform(settings)) as platform:
        assert world.registry(platform).alias("delays", "champion") == first
        told = [(one.type, one.subject, dict(one.data)) for one in platform.events.recent(limit=3)]
    assert told == [
        ("loopwright.registry.rolled_back", "delays", {"version": first, "replaced": second, "who": "bob"}),
        ("loopwright.registry.promoted", "delays", {"version": second, "replaced": first, "who": "ada"}),
        ("loopwright.registry.promoted", "delays", {"version": first, "replaced": None, "who": "ada"}),
    ]
