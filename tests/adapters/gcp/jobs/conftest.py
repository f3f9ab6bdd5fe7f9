import secrets
import sys
from collections.abc import Iterator

import pytest

from adapters.gcp.api import Api, Clients
from adapters.gcp.jobs import CloudRunJobs
from adapters.gcp.place import GcpPlace
from adapters.gcp.tokens import Nobody
from adapters.memory.table import MemoryTable
from loopwright.clock import new_id
from tests.adapters.gcp.jobs.starting import LINGER, Cloud, Make, Moment
from tests.clouds.google.throwaway import PROJECT, REGION, image_made, job_made
from tests.clouds.google.world import google


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def cloud(moment: Moment) -> Iterator[Cloud]:
    endpoint, name = google("run-jobs", "vertex"), f"t{secrets.token_hex(6)}"
    api = Api("", endpoint=endpoint, tokens=Nobody())
    job = job_made(api, f"{name}-jobs", [sys.executable, "-c", LINGER])
    image = image_made(api, f"{name}-training", [])
    place = GcpPlace(
        PROJECT,
        REGION,
        f"{name}-bucket",
        name,
        name,
        job=job,
        training_image=image,
        training_account=f"training@{PROJECT}.iam.gserviceaccount.com",
        endpoint=endpoint,
    )
    cloud = Cloud(api, place, MemoryTable(moment))
    yield cloud
    for one in cloud.executions():
        api.call("POST", f"/v2/{one['name']}:cancel")
    for one in cloud.custom_jobs():
        api.call("POST", f"/v1/{one['name']}:cancel")
    api.close()


@pytest.fixture
def jobs(cloud: Cloud, make: Make) -> CloudRunJobs:
    return make(cloud.place)


@pytest.fixture
def make(cloud: Cloud, moment: Moment) -> Iterator[Make]:
    clients = Clients(Nobody(), endpoint=cloud.place.endpoint)
    yield lambda place: CloudRunJobs(clients.api, place, cloud.table, moment, new_id)
    clients.close()
