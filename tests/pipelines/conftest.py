import sys

import pytest

from adapters import open_platform
from loopwright import Project
from loopwright.definitions.project import load_project
from loopwright.settings import Settings
from tests.pipelines.weather import FOLDER, World


@pytest.fixture(scope="session")
def project() -> Project:
    return load_project(FOLDER)


@pytest.fixture
def world(project: Project) -> World:
    rain = sys.modules[f"loopwright_project_{FOLDER.name}"]
    return World(open_platform(Settings(provider="memory")), project, rain).fill()
