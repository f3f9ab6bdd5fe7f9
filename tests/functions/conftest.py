from collections.abc import Iterator

import pytest

from adapters import open_platform
from loopwright.ports import Platform
from loopwright.settings import Settings
from tests.airport import world


@pytest.fixture
def platform() -> Iterator[Platform]:
    """A fresh world in memory, with weather at JFK and no model yet."""
    platform = open_platform(Settings(provider="memory"))
    world.report_weather(platform)
    yield platform
    platform.close()
