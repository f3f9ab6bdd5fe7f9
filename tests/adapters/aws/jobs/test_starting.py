"""Starting jobs: where each runs, and what is left of one that cannot be started."""

from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.aws.jobs import AwsJobs
from adapters.aws.place import AwsPlace
from loopwright.definitions import Resources
from loopwright.errors import CapabilityError, DeniedError, UnavailableError
from tests.adapters.aws.jobs.starting import LARGE, SMALL, TRAINING, Make, only_training, start, told
from tests.clouds.jobs import JobServices, Refused


def test_a_small_job_is_an_asynchronous_invocation(jobs: AwsJobs, services: JobServices) -> None:
    assert start(jobs)
    assert not start(jobs)
    ((payload,),) = services.invoked.values()
    assert payload["key"] == "train-1"
    assert services.trainings == {}
    assert told(jobs).state == "running"


@pytest.mark.parametrize(
    "resources",
    [
        replace(SMALL, memory_mb=10_241),
        replace(SMALL, cpu=7),
        replace(SMALL, timeout=timedelta(minutes=15, seconds=1)),
    ],
)
def test_what_exceeds_a_function_is_a_training_job(jobs: AwsJobs, services: JobServices, resources: Resources) -> None:
    assert start(jobs, resources=resources)
    assert services.invoked == {}
    assert only_training(services)["TrainingJobStatus"] == "InProgress"


def test_the_largest_that_fits_a_function_is_an_invocation(jobs: AwsJobs, services: JobServices) -> None:
    start(jobs, resources=Resources(memory_mb=10_240, cpu=6, timeout=timedelta(minutes=15)))
    assert list(services.invoked) == ["airport-jobs"]


def test_a_training_job_says_what_it_needs(jobs: AwsJobs, services: JobServices) -> None:
    key = "train-delays_" + "0123456789." * 10
    start(jobs, key, LARGE)
    training = only_training(services)
    assert training["TrainingJobName"].startswith("airport-prod-train-delays-")
    assert training["AlgorithmSpecification"]["TrainingImage"] == TRAINING["training_image"]
    assert training["AlgorithmSpecification"]["ContainerEntrypoint"] == ["python", "-m", "adapters.aws.job_runner"]
    assert training["AlgorithmSpecification"]["ContainerArguments"][:2] == ["--key", key]
    assert training["RoleArn"] == "arn:r"
    assert training["ResourceConfig"]["InstanceType"] == "ml.m5.2xlarge"
    assert training["StoppingCondition"]["MaxRuntimeInSeconds"] > 3 * 3600
    assert training["OutputDataConfig"]["S3OutputPath"].startswith("s3://the-bucket/")
    assert training["Environment"]["LOOPWRIGHT_PROVIDER"] == "aws"
    assert training["Environment"]["LOOPWRIGHT_AWS_TABLE"] == "the-table"
    assert {"Key": "loopwright:stack", "Value": "airport-prod"} in training["Tags"]


@pytest.mark.parametrize(
    ("place_has", "resources", "wanted"),
    [
        ({}, SMALL, "set LOOPWRIGHT_AWS_JOB_FUNCTION, or LOOPWRIGHT_AWS_TRAINING_IMAGE and"),
        (
            {"job_function": "airport-jobs"},
            LARGE,
            r"wants 20,000 MB, 8 processors and 3:00:00; .* set LOOPWRIGHT_AWS_T",
        ),
        ({**TRAINING, "training_role": ""}, SMALL, "LOOPWRIGHT_AWS_TRAINING_ROLE"),
        (TRAINING, replace(LARGE, memory_mb=500_000), r"the largest machine, ml\.m5\.24xlarge, has 393,216 MB"),
    ],
)
def test_a_job_that_fits_nowhere_is_told_what_to_set(
    make: Make, place: AwsPlace, place_has: dict[str, str], resources: Resources, wanted: str
) -> None:
    bare = replace(place, job_function="", training_image="", training_role="")
    jobs = make(replace(bare, **place_has))
    with pytest.raises(CapabilityError, match=wanted):
        start(jobs, resources=resources)
    assert jobs.list() == []


def test_without_a_function_small_jobs_are_training_jobs(make: Make, place: AwsPlace, services: JobServices) -> None:
    start(make(replace(place, job_function="")))
    assert only_training(services)["ResourceConfig"]["InstanceType"] == "ml.m5.large"


@pytest.mark.parametrize("resources", [SMALL, LARGE])
def test_what_cannot_be_started_leaves_nothing_behind(
    jobs: AwsJobs, services: JobServices, resources: Resources
) -> None:
    services.refusals = [Refused(403, "AccessDeniedException", "not authorized to perform that")]
    with pytest.raises(DeniedError, match=r"start job train-1 .*not authorized"):
        start(jobs, resources=resources)
    assert jobs.status("train-1") is None
    assert jobs.list() == []
    assert start(jobs, resources=resources)


def test_a_function_that_is_not_there_leaves_nothing_behind(make: Make, place: AwsPlace) -> None:
    jobs = make(replace(place, job_function="gone"))
    with pytest.raises(UnavailableError, match="Function not found: gone"):
        start(jobs)
    assert jobs.list() == []


@pytest.mark.parametrize("resources", [SMALL, LARGE])
def test_a_throttled_start_is_tried_again(jobs: AwsJobs, services: JobServices, resources: Resources) -> None:
    services.refusals = [Refused(429, "TooManyRequestsException"), Refused(500, "ServiceException")]
    assert start(jobs, resources=resources)
    assert told(jobs).state == "running"


def test_a_training_job_that_was_started_by_the_call_before_is_ours(
    jobs: AwsJobs, services: JobServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to the first call was lost, and the call was made again."""
    create = services._create

    def twice(body: dict) -> tuple[int, dict]:
        create(body)
        return create(body)

    monkeypatch.setattr(services, "_create", twice)
    assert start(jobs, resources=LARGE)
    assert told(jobs).state == "running"
