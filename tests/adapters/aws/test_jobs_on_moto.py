"""A job's whole way on moto: asked for, run by the function's handler or the container's command, and told of."""

from collections.abc import Iterator

import pytest

from adapters import open_platform
from adapters.aws.job_runner import handler, main
from adapters.jobs.items import JobItems
from loopwright.definitions import Resources
from loopwright.ports import Platform
from loopwright.settings import Settings
from tests.airport import world
from tests.clouds.aws import moto, throwaway


class Context:
    """An invocation that has a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@pytest.fixture
def platform(monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    with throwaway(moto(), ()) as place:
        settings = Settings("aws", project=world.FOLDER, place=place.to_env())
        for name, value in settings.to_env().items():
            monkeypatch.setenv(name, value)
        platform = open_platform(settings)
        yield platform
        platform.close()


def start(platform: Platform, job: str, **arguments: str) -> dict[str, str]:
    """Start a job and return what its function is called with."""
    assert platform.jobs.start(job, key="k", arguments=arguments, resources=Resources())
    found = JobItems(platform.table).get("k")
    assert found
    return {"key": "k", "attempt": found.item.attempt}


def test_a_function_runs_the_job_that_was_asked_for_once(platform: Platform) -> None:
    payload = start(platform, "train", wrong="argument")
    assert handler(payload, Context()) == {"key": "k", "state": "failed"}
    assert handler(payload, Context()) == {"key": "k", "state": "skipped"}
    status = platform.jobs.status("k")
    assert status
    assert (status.job, status.state) == ("train", "failed")
    assert "the job wants the argument 'model'; it got wrong" in status.detail
    assert [one.state for one in platform.jobs.list()] == ["failed"]


def test_a_container_runs_it_and_says_so_by_its_exit_code(platform: Platform) -> None:
    payload = start(platform, "no_such_job")
    command = ["--key", payload["key"], "--attempt", payload["attempt"]]
    assert main(command) == 1
    assert main(command) == 0
    status = platform.jobs.status("k")
    assert status
    assert status.detail.endswith("exit code 2")
