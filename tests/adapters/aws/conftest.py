from collections.abc import Iterator
from dataclasses import replace

import pytest

from adapters.aws.api import Api
from loopwright.settings import AwsPlace
from tests.adapters.aws.losing import losing
from tests.adapters.aws.way import Losses, clients
from tests.clouds.aws import moto, throwaway


@pytest.fixture
def losses() -> Losses:
    return Losses()


@pytest.fixture
def place(losses: Losses) -> Iterator[AwsPlace]:
    """A place on moto, and a way there that loses answers."""
    with throwaway(moto(), ()) as made, losing(losses) as way:
        yield replace(made, endpoint=way)


@pytest.fixture
def api(place: AwsPlace) -> Iterator[Api]:
    opened = clients(place)
    yield opened.api("s3")
    opened.close()
