"""A job's whole way on a Google of this machine: asked for, run by the container's own command, and told of."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters import open_platform
from adapters.gcp.api import Api
from adapters.gcp.jobs import RUN
from adapters.gcp.place import GcpPlace
from adapters.gcp.provider import GcpPlatform
from adapters.gcp.tokens import Nobody
from adapters.jobs.items import JobItem, JobItems
from loopwright.definitions import Resources
from loopwright.ports import Platform
from loopwright.ports.jobs import JobStatus
from loopwright.settings import Settings
from tests.airport import world
from tests.clouds.google.throwaway import image_made, job_made, throwaway
from tests.clouds.google.world import SERVICES, google
from tests.clouds.tools import MissingToolError

RUNNER = ("python", "-m", "adapters.gcp.job_runner")


@pytest.fixture
def place() -> Iterator[GcpPlace]:
    try:
        endpoint = google(*SERVICES)
    except MissingToolError as error:
        pytest.skip(f"Google is not to be had: {error}")
    with throwaway(endpoint, ()) as bare:
        api = Api("", endpoint=endpoint, tokens=Nobody())
        image = image_made(api, f"{bare.queues}-training", [])
        with_image = replace(bare, training_image=image, training_account="training@p.iam.gserviceaccount.com")
        variables = settings(with_image).to_env()
        yield replace(with_image, job=job_made(api, f"{bare.queues}-run", RUNNER, variables))
        api.close()


@pytest.fixture
def platform(place: GcpPlace) -> Iterator[Platform]:
    platform = open_platform(settings(place))
    yield platform
    platform.close()


def settings(place: GcpPlace) -> Settings:
    return Settings("gcp", project=world.FOLDER, place=place.to_env())


def item_of(platform: Platform) -> JobItem:
    found = JobItems(platform.table).get("k")
    assert found
    return found.item


def until_ended(platform: Platform) -> JobStatus:
    limit = time.monotonic() + 120
    while time.monotonic() < limit:
        status = platform.jobs.status("k")
        assert status
        if status.ended is not None:
            return status
        time.sleep(0.2)
    raise AssertionError(status)


def test_an_execution_runs_the_job_that_was_asked_for_and_writes_down_how_it_ended(
    platform: Platform, place: GcpPlace
) -> None:
    assert platform.jobs.start("train", key="k", arguments={"wrong": "argument"}, resources=Resources())
    status = until_ended(platform)
    assert (status.job, status.state) == ("train", "failed")
    assert "the job wants the argument 'model'; it got wrong" in status.detail
    item = item_of(platform)
    assert isinstance(platform, GcpPlatform)
    api = Api(RUN, endpoint=place.endpoint, tokens=Nobody())
    # A second execution of the same job finds that it has been run, and that is no failure.
    path = f"/v2/{item.name.partition('/executions/')[0]}:run"
    container = {"args": ["--key", "k", "--attempt", item.attempt]}
    operation = api.call("POST", path, {"overrides": {"containerOverrides": [container]}})
    while not operation.get("done"):
        operation = api.call("GET", f"/v2/{operation['name']}")
    assert operation["response"]["succeededCount"] == 1
    assert platform.jobs.list() == [status]
    api.close()


def test_a_job_that_works_has_succeeded(platform: Platform) -> None:
    assert platform.jobs.start("monitor", key="k", arguments={}, resources=Resources())
    status = until_ended(platform)
    assert (status.state, status.detail) == ("succeeded", "")


def test_a_custom_job_of_vertex_ai_runs_the_job(platform: Platform) -> None:
    large = Resources(memory_mb=64 * 1024, timeout=timedelta(hours=30))
    assert platform.jobs.start("no_such_job", key="k", arguments={}, resources=large)
    status = until_ended(platform)
    assert status.state == "failed"
    assert status.detail.endswith("exit code 2")
    assert "customJobs/" in item_of(platform).name


def test_a_job_that_is_cancelled_says_so_itself(platform: Platform, place: GcpPlace) -> None:
    """Cloud Run sends a signal, and kills ten seconds later."""
    api = Api(RUN, endpoint=place.endpoint, tokens=Nobody())
    assert platform.jobs.start("train", key="k", arguments={"model": "delays"}, resources=Resources())
    while (item := item_of(platform)).state == "requested":
        time.sleep(0.01)
    api.call("POST", f"/v2/{item.name}:cancel")
    status = until_ended(platform)
    assert status.state == "failed"
    assert "its machine was told to end" in status.detail
    api.close()
