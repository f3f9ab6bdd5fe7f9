import pytest

from functions.tracking.app import create_app
from loopwright.ports import Platform
from tests.airport import world
from tests.airport.caller import Caller
from tests.functions.tracking.api import Api


@pytest.fixture
def api(platform: Platform) -> Api:
    return Api(Caller(create_app(platform, world.project())))


@pytest.fixture
def run_id(api: Api) -> str:
    """A run in an experiment."""
    return api.run(api.experiment(), run_name="first", start_time=1_000)
