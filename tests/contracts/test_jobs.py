from datetime import timedelta

import pytest

from loopwright.clock import ReplayClock
from loopwright.definitions import Resources
from loopwright.errors import InvalidInputError
from loopwright.ports import Jobs, Platform
from loopwright.settings import Settings
from tests.contracts.racing import processes, threads
from tests.contracts.worlds import DAWN

RESOURCES = Resources(timeout=timedelta(seconds=20))


@pytest.fixture
def jobs(platform: Platform) -> Jobs:
    return platform.jobs


def start(jobs: Jobs, key: str, job: str = "no_such_job") -> bool:
    return jobs.start(job, key=key, arguments={"model": "delays"}, resources=RESOURCES)


def test_a_job_that_was_never_started_has_no_state(jobs: Jobs) -> None:
    assert jobs.status("train-delays-1") is None
    assert jobs.list() == []


def test_a_job_starts_once_per_key(jobs: Jobs, clock: ReplayClock) -> None:
    assert start(jobs, "k1")
    clock.set(DAWN + 5)
    assert not start(jobs, "k1")
    assert not start(jobs, "k1", "another_job")
    assert start(jobs, "k2")
    status = jobs.status("k1")
    assert status
    assert (status.key, status.job, status.started) == ("k1", "no_such_job", DAWN)


def test_the_newest_jobs_come_first(jobs: Jobs) -> None:
    for number in range(4):
        start(jobs, f"k{number}")
    assert [status.key for status in jobs.list(limit=3)] == ["k3", "k2", "k1"]


@pytest.mark.parametrize("key", ["", "a/b", "x" * 129, "a b", "ä", "a\n"])
def test_a_key_outside_the_alphabet_is_refused(jobs: Jobs, key: str) -> None:
    with pytest.raises(InvalidInputError, match="job key"):
        start(jobs, key)


@pytest.mark.parametrize("job", ["", "../train", "Train", "os.system", "-c"])
def test_a_job_that_is_no_name_is_refused(jobs: Jobs, job: str) -> None:
    with pytest.raises(InvalidInputError, match="job"):
        start(jobs, "k", job)
    assert jobs.status("k") is None


def test_of_starters_in_a_race_one_wins(jobs: Jobs) -> None:
    assert sum(threads(6, lambda _: start(jobs, "k"))) == 1
    assert len(jobs.list()) == 1


def test_of_processes_in_a_race_one_wins(durable: Platform, settings: Settings) -> None:
    assert sum(processes(3, settings, start_there)) == 1
    assert len(durable.jobs.list()) == 1


def start_there(platform: Platform, number: int) -> bool:
    return start(platform.jobs, "k")
