from collections.abc import Iterator

import pytest

from tests.clouds.jobs import JobServices, job_services


@pytest.fixture
def services() -> Iterator[JobServices]:
    with job_services() as running:
        yield running
