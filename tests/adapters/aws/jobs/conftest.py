from collections.abc import Iterator
from dataclasses import replace

import pytest

from adapters.aws.api import Clients
from adapters.aws.jobs import AwsJobs
from adapters.aws.place import AwsPlace
from adapters.memory.table import MemoryTable
from loopwright.clock import new_id
from tests.adapters.aws.jobs.starting import TRAINING, Make, Moment
from tests.clouds.jobs import JobServices


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def table(moment: Moment) -> MemoryTable:
    return MemoryTable(moment)


@pytest.fixture
def place(services: JobServices) -> AwsPlace:
    place = AwsPlace("eu-central-1", "the-bucket", "the-table", "airport-prod", "the-bus", endpoint=services.endpoint)
    return replace(place, job_function="airport-jobs", **TRAINING)


@pytest.fixture
def jobs(place: AwsPlace, make: Make) -> AwsJobs:
    return make(place)


@pytest.fixture
def make(services: JobServices, table: MemoryTable, moment: Moment) -> Iterator[Make]:
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    clients = Clients("eu-central-1", endpoint=services.endpoint, environment=credentials)
    yield lambda place: AwsJobs(clients.api, place, table, moment, new_id)
    clients.close()
