"""Every contract runs over every world, through the real `open_platform`."""

from collections.abc import Iterator

import pytest

from adapters import open_platform
from loopwright.clock import ReplayClock
from loopwright.ports import Lake, Platform, Table
from loopwright.settings import Settings
from tests.contracts.counting import Depths
from tests.contracts.waiting import Leases
from tests.contracts.worlds import WORLDS, Pace, pace_of


@pytest.fixture(params=sorted(WORLDS))
def settings(request: pytest.FixtureRequest) -> Iterator[Settings]:
    with WORLDS[request.param]() as place:
        yield place


@pytest.fixture
def platform(settings: Settings) -> Iterator[Platform]:
    opened = open_platform(settings)
    yield opened
    opened.close()


@pytest.fixture
def clock(settings: Settings) -> ReplayClock:
    assert settings.clock_file
    return ReplayClock(settings.clock_file)


@pytest.fixture
def leases(platform: Platform, clock: ReplayClock) -> Leases:
    """How the leases of messages run out in this world."""
    return Leases(platform, clock)


@pytest.fixture
def depths(platform: Platform) -> Depths:
    """How many messages are in this world's queues."""
    return Depths(platform)


@pytest.fixture
def pace(request: pytest.FixtureRequest) -> Pace:
    """How much this world is asked to do."""
    return pace_of(request.node.callspec.params["settings"])


@pytest.fixture
def durable(platform: Platform) -> Platform:
    """A platform whose state other processes see."""
    if not platform.capabilities.durable:
        pytest.skip("Capabilities.durable is false: no other process sees this platform's state")
    return platform


@pytest.fixture
def table(platform: Platform) -> Table:
    return platform.table


@pytest.fixture
def lake(platform: Platform) -> Lake:
    return platform.lake


@pytest.fixture(params=sorted(set(WORLDS) - {"memory"}))
def world(request: pytest.FixtureRequest) -> str:
    """Each world that is compared with the memory provider's."""
    return request.param  # type: ignore[no-any-return] # one of the worlds
