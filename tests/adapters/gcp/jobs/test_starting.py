"""Starting jobs: where each runs, and what is left of one that cannot be started."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.gcp.api import Clients
from adapters.gcp.jobs import CloudRunJobs
from adapters.gcp.tokens import Nobody
from loopwright.clock import new_id
from loopwright.definitions import Resources
from loopwright.errors import CapabilityError, DeniedError, UnavailableError
from tests.adapters.gcp.jobs.starting import LARGE, SMALL, Cloud, Make, Moment, start, told
from tests.clouds.scripted import Answer, scripted


def test_a_small_job_is_an_execution_with_its_own_arguments_and_time(jobs: CloudRunJobs, cloud: Cloud) -> None:
    assert start(jobs)
    assert not start(jobs)
    (execution,) = cloud.executions()
    item = cloud.item()
    (container,) = execution["template"]["containers"]
    assert container["args"] == ["--key", "train-1", "--attempt", item.attempt]
    assert execution["template"]["timeout"] == "720s"
    assert item.name == execution["name"]
    assert cloud.custom_jobs() == []
    assert told(jobs).state == "running"


@pytest.mark.parametrize(
    "resources",
    [
        replace(SMALL, memory_mb=32 * 1024 + 1),
        replace(SMALL, cpu=9),
        replace(SMALL, timeout=timedelta(hours=24, seconds=1)),
    ],
)
def test_what_exceeds_a_cloud_run_job_is_a_custom_job(jobs: CloudRunJobs, cloud: Cloud, resources: Resources) -> None:
    assert start(jobs, resources=resources)
    assert not start(jobs, resources=resources)
    assert cloud.executions() == []
    (custom,) = cloud.custom_jobs()
    assert cloud.item().name == custom["name"]


def test_the_largest_that_fits_is_an_execution(jobs: CloudRunJobs, cloud: Cloud) -> None:
    start(jobs, resources=Resources(memory_mb=32 * 1024, cpu=8, timeout=timedelta(hours=24)))
    (execution,) = cloud.executions()
    assert execution["template"]["timeout"] == "86400s"


def test_a_custom_job_says_what_it_needs(jobs: CloudRunJobs, cloud: Cloud) -> None:
    key = "train-Delays_" + "0123456789." * 10
    start(jobs, key, LARGE)
    (custom,) = cloud.custom_jobs()
    spec = custom["jobSpec"]
    (pool,) = spec["workerPoolSpecs"]
    container = pool["containerSpec"]
    assert pool["machineSpec"]["machineType"] == "n2-standard-16"
    assert container["imageUri"] == cloud.place.training_image
    assert container["command"] == ["python", "-m", "adapters.gcp.job_runner"]
    assert container["args"] == ["--key", key, "--attempt", cloud.item(key).attempt]
    variables = {one["name"]: one["value"] for one in container["env"]}
    assert variables["LOOPWRIGHT_PROVIDER"] == "gcp"
    assert variables["LOOPWRIGHT_GCP_DATABASE"] == cloud.place.database
    assert spec["serviceAccount"] == cloud.place.training_account
    assert spec["scheduling"] == {"timeout": "10920s", "disableRetries": True}
    assert custom["labels"]["loopwright-stack"] == cloud.place.queues
    assert all(len(one) <= 63 and one == one.lower() and "." not in one for one in custom["labels"].values())


@pytest.mark.parametrize(
    ("place_has", "resources", "wanted"),
    [
        ({"job": ""}, SMALL, "set LOOPWRIGHT_GCP_JOB, or LOOPWRIGHT_GCP_TRAINING_IMAGE and"),
        ({}, LARGE, r"wants 50,000 MB, 8 processors and 3:00:00; .* set LOOPWRIGHT_GCP_T"),
        ({"training_image": "i"}, LARGE, "LOOPWRIGHT_GCP_TRAINING_ACCOUNT"),
        (
            {"training_image": "i", "training_account": "a"},
            replace(LARGE, memory_mb=700_000),
            r"the largest machine, n2-highmem-80, has 655,360 MB",
        ),
    ],
)
def test_a_job_that_fits_nowhere_is_told_what_to_set(
    make: Make, cloud: Cloud, place_has: dict[str, str], resources: Resources, wanted: str
) -> None:
    jobs = make(replace(cloud.place, **{"training_image": "", "training_account": "", **place_has}))
    with pytest.raises(CapabilityError, match=wanted):
        start(jobs, resources=resources)
    assert jobs.list() == []


def test_without_a_cloud_run_job_small_jobs_are_custom_jobs(make: Make, cloud: Cloud) -> None:
    start(make(replace(cloud.place, job="")))
    (custom,) = cloud.custom_jobs()
    assert custom["jobSpec"]["workerPoolSpecs"][0]["machineSpec"]["machineType"] == "n2-standard-2"


def test_a_cloud_run_job_that_is_not_there_leaves_nothing_behind(make: Make, cloud: Cloud) -> None:
    jobs = make(replace(cloud.place, job="gone"))
    with pytest.raises(UnavailableError, match=r"start job train-1 in gone: NOT_FOUND"):
        start(jobs)
    assert jobs.list() == []


@pytest.mark.parametrize("resources", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("status", "code", "error"), [(403, "PERMISSION_DENIED", DeniedError), (400, "INVALID_ARGUMENT", UnavailableError)]
)
def test_what_is_refused_leaves_nothing_behind(
    cloud: Cloud, moment: Moment, resources: Resources, status: int, code: str, error: type[Exception]
) -> None:
    refusal = json.dumps({"error": {"code": status, "status": code, "message": "not like that"}}).encode()
    with scripted(Answer(status, refusal, {"Content-Type": "application/json"})) as script:
        place = replace(cloud.place, endpoint=script.endpoint)
        clients = Clients(Nobody(), endpoint=script.endpoint)
        jobs = CloudRunJobs(clients.api, place, cloud.table, moment, new_id)
        with pytest.raises(error, match=r"start job train-1 .*not like that"):
            start(jobs, resources=resources)
        clients.close()
    assert jobs.list() == []


def test_a_start_that_was_sent_twice_is_one_job(cloud: Cloud, moment: Moment) -> None:
    """The first answer is an error although an execution began: the item names the second."""
    first = {"metadata": {"name": "projects/p/locations/r/jobs/j/executions/j-2"}}
    with scripted(Answer(503), Answer(200, json.dumps(first).encode())) as script:
        clients = Clients(Nobody(), endpoint=script.endpoint)
        assert start(CloudRunJobs(clients.api, cloud.place, cloud.table, moment, new_id))
        clients.close()
    assert [one.method for one in script.asked] == ["POST", "POST"]
    assert cloud.item().name.endswith("/j-2")
