"""Starting jobs, and what is told of those that nobody runs, through Lambda and SageMaker on this machine."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.aws.api import Clients
from adapters.aws.job_runner import run_job
from adapters.aws.jobs import GRACE, AwsJobs
from adapters.memory.table import MemoryTable
from loopwright.clock import new_id
from loopwright.definitions import Resources
from loopwright.errors import CapabilityError, DeniedError, UnavailableError
from loopwright.ports.jobs import JobStatus
from loopwright.settings import AwsPlace
from tests.clouds.jobs import JobServices, Refused

SMALL = Resources(memory_mb=2048, timeout=timedelta(minutes=10))
LARGE = Resources(memory_mb=20_000, cpu=8, timeout=timedelta(hours=3))
TRAINING = {"training_image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/jobs@sha256:1", "training_role": "arn:r"}


class Moment:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


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
def jobs(place: AwsPlace, make: "Make") -> AwsJobs:
    return make(place)


Make = Callable[[AwsPlace], AwsJobs]


@pytest.fixture
def make(services: JobServices, table: MemoryTable, moment: Moment) -> Iterator[Make]:
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    clients = Clients("eu-central-1", endpoint=services.endpoint, environment=credentials)
    yield lambda place: AwsJobs(clients.api, place, table, moment, new_id)
    clients.close()


def start(jobs: AwsJobs, key: str = "train-1", resources: Resources = SMALL) -> bool:
    return jobs.start("train", key=key, arguments={"model": "delays"}, resources=resources)


def told(jobs: AwsJobs, key: str = "train-1") -> JobStatus:
    status = jobs.status(key)
    assert status
    return status


def only_training(services: JobServices) -> dict:
    (training,) = services.trainings.values()
    return training


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


def test_an_invocation_that_was_given_up_runs_nothing(
    jobs: AwsJobs, services: JobServices, table: MemoryTable, moment: Moment
) -> None:
    """Lambda took the first one although its answer was an error."""
    services.refusals = [Refused(403, "AccessDeniedException")]
    with pytest.raises(DeniedError):
        start(jobs)
    assert run_job(table, moment, key="train-1", attempt="the first", program=("false",)) is None
    start(jobs)
    assert run_job(table, moment, key="train-1", attempt="the first", program=("false",)) is None
    assert told(jobs).state == "running"


def test_a_job_that_never_begins_has_failed_after_a_while(jobs: AwsJobs, moment: Moment) -> None:
    start(jobs)
    moment.now += GRACE
    assert told(jobs).state == "running"
    moment.now += 1
    assert (told(jobs).state, told(jobs).ended) == ("failed", moment.now)
    assert "did not begin within 900 s" in told(jobs).detail
    assert not start(jobs)


def test_what_begins_after_it_was_given_up_does_not_run(
    jobs: AwsJobs, services: JobServices, table: MemoryTable, moment: Moment
) -> None:
    start(jobs)
    moment.now += GRACE + 1
    assert told(jobs).state == "failed"
    ((payload,),) = services.invoked.values()
    assert run_job(table, moment, **payload, program=("true",)) is None
    assert told(jobs).state == "failed"


@pytest.mark.parametrize(
    ("status", "reason", "detail"),
    [
        ("Failed", "AlgorithmError: exit code 137", "failed: AlgorithmError: exit code 137"),
        ("Stopped", "", "stopped: its process died without a word"),
        ("Completed", "", "completed: its process died without a word"),
    ],
)
def test_a_training_job_that_ended_without_a_word_has_failed_in_sagemakers_words(
    jobs: AwsJobs, services: JobServices, status: str, reason: str, detail: str
) -> None:
    start(jobs, resources=LARGE)
    assert told(jobs).state == "running"
    only_training(services).update(TrainingJobStatus=status, FailureReason=reason)
    (listed,) = jobs.list()
    assert listed.state == "failed"
    assert listed.detail.endswith(detail)
    services.trainings.clear()
    assert told(jobs) == listed


def test_a_training_job_that_was_never_created_has_failed_after_a_while(
    jobs: AwsJobs, services: JobServices, moment: Moment
) -> None:
    """Its starter died after the item."""
    start(jobs, resources=LARGE)
    services.trainings.clear()
    assert told(jobs).state == "running"
    moment.now += 3_601
    assert told(jobs).state == "failed"
    assert "did not begin" in told(jobs).detail


def test_a_training_job_that_waits_for_its_machine_is_running(
    jobs: AwsJobs, services: JobServices, moment: Moment
) -> None:
    start(jobs, resources=LARGE)
    moment.now += 5 * 3_600
    assert told(jobs).state == "running"
