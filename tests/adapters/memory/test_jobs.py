import pytest

from adapters.memory.jobs import MemoryJobs
from loopwright.definitions import Resources
from loopwright.errors import NotFoundError


@pytest.fixture
def jobs() -> MemoryJobs:
    return MemoryJobs(lambda: 5.0)


def test_a_job_runs_until_it_is_finished(jobs: MemoryJobs) -> None:
    jobs.start("train", key="k", arguments={"model": "delays"}, resources=Resources())
    started = jobs.started("k")
    assert (started.job, started.arguments) == ("train", {"model": "delays"})
    status = jobs.status("k")
    assert status
    assert (status.state, status.ended) == ("running", None)
    jobs.finish("k", "failed", "why")
    status = jobs.status("k")
    assert status
    assert (status.state, status.ended, status.detail) == ("failed", 5.0, "why")


def test_only_what_was_started_can_be_finished(jobs: MemoryJobs) -> None:
    with pytest.raises(NotFoundError):
        jobs.finish("k", "succeeded")
    with pytest.raises(NotFoundError):
        jobs.started("k")
