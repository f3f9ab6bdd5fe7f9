from collections.abc import Iterator
from dataclasses import replace

import pytest

from adapters.aws.api import Api
from adapters.aws.place import AwsPlace
from tests.adapters.aws.way import clients
from tests.clouds.aws import moto, throwaway
from tests.clouds.jobs import JobServices, job_services
from tests.clouds.losing import Losses, losing


@pytest.fixture
def services() -> Iterator[JobServices]:
    with job_services() as running:
        yield running


@pytest.fixture
def losses() -> Losses:
    return Losses()


@pytest.fixture
def straight() -> Iterator[AwsPlace]:
    """A place on moto. Streams are read there: who reads one holds the interpreter, and no way leads through it."""
    with throwaway(moto(), ()) as made:
        yield made


@pytest.fixture
def place(straight: AwsPlace, losses: Losses) -> Iterator[AwsPlace]:
    """The same place, and a way there that loses answers."""
    with losing(moto(), losses) as way:
        yield replace(straight, endpoint=way)


@pytest.fixture
def api(place: AwsPlace) -> Iterator[Api]:
    opened = clients(place)
    yield opened.api("s3")
    opened.close()


@pytest.fixture
def straight_api(straight: AwsPlace) -> Iterator[Api]:
    opened = clients(straight)
    yield opened.api("s3")
    opened.close()
