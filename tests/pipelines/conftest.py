import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from adapters import open_platform
from loopwright import Project
from loopwright.clock import ReplayClock
from loopwright.definitions.project import load_project
from loopwright.settings import Settings
from tests.pipelines.weather import AT, FOLDER, World


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Models this small are slower on many threads, and far slower on a busy machine."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def project() -> Project:
    return load_project(FOLDER)


@pytest.fixture
def world(project: Project, tmp_path: Path) -> World:
    clock = tmp_path / "clock"
    ReplayClock(clock).set(AT)
    rain = sys.modules[f"loopwright_project_{FOLDER.name}"]
    return World(open_platform(Settings(provider="memory", clock_file=clock)), project, rain).fill()
