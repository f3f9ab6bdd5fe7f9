"""Tracking in a fresh world whose clock the test moves."""

from collections.abc import Iterator
from itertools import count

import pytest

from adapters import open_platform
from loopwright.ports import Platform
from loopwright.settings import Settings
from loopwright.tracking import Experiment, Run, Tracking


class Hand:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.moment = 1_000.0

    def __call__(self) -> float:
        return self.moment


@pytest.fixture
def platform() -> Iterator[Platform]:
    platform = open_platform(Settings(provider="memory"))
    yield platform
    platform.close()


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def tracking(platform: Platform, clock: Hand) -> Tracking:
    ids = count(1)
    return Tracking(platform.table, platform.blobs, clock=clock, new_id=lambda: f"id{next(ids)}")


@pytest.fixture
def experiment(tracking: Tracking) -> Experiment:
    return tracking.ensure_experiment("delays")


@pytest.fixture
def run(tracking: Tracking, experiment: Experiment) -> Run:
    return tracking.create_run(experiment.id, name="first", run_id="run1")
