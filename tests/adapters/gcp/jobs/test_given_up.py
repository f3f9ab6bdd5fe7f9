"""What is told of jobs that nobody runs, or that end without a word."""

import sys
from dataclasses import replace

import msgspec
import pytest

from adapters.gcp.jobs import GRACE, CloudRunJobs
from adapters.jobs.items import JobItems
from adapters.jobs.running import Asked, run_job
from tests.adapters.gcp.jobs.starting import LARGE, Cloud, Make, Moment, start, told, until_ended
from tests.clouds.google.throwaway import job_made


@pytest.fixture
def ending(make: Make, cloud: Cloud) -> CloudRunJobs:
    """Jobs whose executions end at once and write nothing."""
    job = job_made(cloud.api, f"{cloud.place.queues}-ending", [sys.executable, "-c", "raise SystemExit(7)"])
    return make(replace(cloud.place, job=job))


def test_an_execution_that_ended_without_a_word_has_failed_in_cloud_runs_words(
    ending: CloudRunJobs, moment: Moment
) -> None:
    start(ending)
    moment.now += 5
    status = until_ended(ending)
    assert (status.state, status.ended) == ("failed", moment.now)
    assert "its process died without a word: execution" in status.detail
    assert "exit(7)" in status.detail
    assert ending.list() == [status]
    assert not start(ending)


def test_an_execution_that_was_cancelled_before_it_began_is_told_so(jobs: CloudRunJobs, cloud: Cloud) -> None:
    start(jobs)
    cloud.api.call("POST", f"/v2/{cloud.item().name}:cancel")
    assert "was cancelled" in until_ended(jobs).detail


def test_an_execution_that_is_gone_has_failed_if_it_had_begun(jobs: CloudRunJobs, cloud: Cloud, moment: Moment) -> None:
    start(jobs)
    cloud.api.call("DELETE", f"/v2/{cloud.item().name}")
    assert told(jobs).state == "running"
    items = JobItems(cloud.table)
    found = items.get("train-1")
    assert found
    items.change(found, msgspec.structs.replace(found.item, state="running", deadline=moment.now + 1e6))
    assert told(jobs).state == "failed"
    assert "is gone" in told(jobs).detail


def test_a_job_whose_starter_died_has_failed_after_a_while(jobs: CloudRunJobs, cloud: Cloud, moment: Moment) -> None:
    start(jobs)
    items = JobItems(cloud.table)
    found = items.get("train-1")
    assert found
    items.change(found, msgspec.structs.replace(found.item, name=""))
    moment.now += GRACE
    assert told(jobs).state == "running"
    moment.now += 1
    assert told(jobs).state == "failed"
    assert "did not begin within 900 s" in told(jobs).detail
    assert run_job(cloud.table, moment, Asked("train-1", found.item.attempt), program=("true",)) is None
    assert told(jobs).state == "failed"


def test_an_execution_that_waits_for_its_machine_is_running(jobs: CloudRunJobs, moment: Moment) -> None:
    start(jobs)
    moment.now += 5 * 3_600
    assert told(jobs).state == "running"


def test_a_custom_job_that_ended_without_a_word_has_failed_in_vertex_ais_words(
    make: Make, cloud: Cloud, moment: Moment
) -> None:
    """Its runner has no database to ask here, and leaves with an error."""
    jobs = make(cloud.place)
    start(jobs, resources=LARGE)
    status = until_ended(jobs)
    assert status.state == "failed"
    assert "custom job" in status.detail
    assert "failed: The container exited with an error: exit(1)" in status.detail


def test_a_custom_job_of_an_image_that_is_not_there_says_so(make: Make, cloud: Cloud) -> None:
    jobs = make(replace(cloud.place, training_image="nowhere/nothing:1"))
    start(jobs, resources=LARGE)
    assert "Image 'nowhere/nothing:1' not found" in until_ended(jobs).detail
