"""What is told of jobs that nobody runs, or that end without a word."""

import pytest

from adapters.aws.jobs import GRACE, AwsJobs
from adapters.jobs.running import Asked, run_job
from adapters.memory.table import MemoryTable
from loopwright.errors import DeniedError
from tests.adapters.aws.jobs.starting import LARGE, Moment, only_training, start, told
from tests.clouds.jobs import JobServices, Refused


def test_an_invocation_that_was_given_up_runs_nothing(
    jobs: AwsJobs, services: JobServices, table: MemoryTable, moment: Moment
) -> None:
    """Lambda took the first one although its answer was an error."""
    services.refusals = [Refused(403, "AccessDeniedException")]
    with pytest.raises(DeniedError):
        start(jobs)
    assert run_job(table, moment, Asked("train-1", "the first"), program=("false",)) is None
    start(jobs)
    assert run_job(table, moment, Asked("train-1", "the first"), program=("false",)) is None
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
    assert run_job(table, moment, Asked(**payload), program=("true",)) is None
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
