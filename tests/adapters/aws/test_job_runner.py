"""Running a job: what its item says before, during and after."""

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import adapters.jobs.running as runner
from adapters.aws.job_runner import handler, main
from adapters.aws.jobs import AwsJobs
from adapters.aws.place import AwsPlace
from adapters.jobs.items import JobItem, JobItems
from adapters.jobs.running import Asked, run_job
from adapters.memory.table import MemoryTable
from loopwright.errors import InvalidInputError
from loopwright.ports.jobs import JobStatus

NOW = 1e9
PLACE = AwsPlace("eu-central-1", "bucket", "table", "airport", "bus", job_function="jobs")


class Moment:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def table(moment: Moment) -> MemoryTable:
    return MemoryTable(moment)


@pytest.fixture
def ask(table: MemoryTable) -> Callable[..., None]:
    """Makes the item of a job that somebody has asked for."""

    def make(timeout: float = 60.0, **arguments: str) -> None:
        item = JobItem(
            key="k",
            job="train",
            arguments=arguments,
            attempt="a1",
            place="lambda",
            name="",
            stamp=1,
            timeout=timeout,
            state="requested",
            started=NOW,
            deadline=NOW + 900,
        )
        assert JobItems(table).create(item)

    return make


def run(table: MemoryTable, moment: Moment, code: str, **options: object) -> object:
    return run_job(table, moment, Asked("k", "a1"), program=(sys.executable, "-c", code), **options)


def status(table: MemoryTable, moment: Moment) -> JobStatus:
    def no_service(service: str) -> object:
        raise AssertionError(service)

    found = AwsJobs(no_service, PLACE, table, moment, lambda: "a2").status("k")
    assert found
    return found


def test_a_job_that_ends_well_has_succeeded(
    table: MemoryTable, moment: Moment, ask: Callable, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ask(model="delays")
    code = (
        f"import pathlib, sys; print('hello'); pathlib.Path({str(tmp_path / 'got')!r}).write_text(repr(sys.argv[1:]))"
    )
    end = run(table, moment, code)
    assert end.state == "succeeded"
    assert status(table, moment) == JobStatus("k", "train", "succeeded", NOW, NOW, "")
    job, option, arguments = eval((tmp_path / "got").read_text())  # noqa: S307 - what was written above
    assert (job, option, json.loads(arguments)) == ("train", "--arguments", {"model": "delays"})
    assert "hello" in capfd.readouterr().out


def test_a_job_that_fails_leaves_the_end_of_its_output(table: MemoryTable, moment: Moment, ask: Callable) -> None:
    ask()
    run(table, moment, "import sys; [print('line', n) for n in range(100)]; sys.exit('the last words')")
    told = status(table, moment)
    assert told.state == "failed"
    assert "line 99" in told.detail
    assert "line 50" not in told.detail
    assert told.detail.endswith("the last words\nexit code 1")


def test_a_line_without_end_does_not_fill_the_item(table: MemoryTable, moment: Moment, ask: Callable) -> None:
    ask()
    run(table, moment, "print('x' * 1_000_000); raise SystemExit(3)")
    assert len(status(table, moment).detail) < 1_000


def test_a_job_that_takes_too_long_is_ended_with_its_children(
    table: MemoryTable, moment: Moment, ask: Callable, tmp_path: Path
) -> None:
    ask(timeout=1.0)
    child = f"import time, pathlib; time.sleep(3); pathlib.Path({str(tmp_path / 'late')!r}).touch()"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    started = time.monotonic()
    run(table, moment, code)
    assert time.monotonic() - started < 3
    assert status(table, moment).detail.endswith("stopped after 1 seconds, its timeout")
    time.sleep(max(0.0, started + 4 - time.monotonic()))
    assert not (tmp_path / "late").exists()


def test_a_function_that_has_less_time_than_the_job_stops_it_in_time(
    table: MemoryTable, moment: Moment, ask: Callable
) -> None:
    ask(timeout=600.0)
    run(table, moment, "import time; time.sleep(60)", limit=0.5)
    assert "stopped after 0.5 seconds" in status(table, moment).detail


def test_a_job_that_is_killed_for_its_memory_is_told_so(table: MemoryTable, moment: Moment, ask: Callable) -> None:
    ask()
    run(table, moment, "import os; os.kill(os.getpid(), 9)")
    assert "more memory" in status(table, moment).detail


def test_a_program_that_cannot_be_started_has_failed(table: MemoryTable, moment: Moment, ask: Callable) -> None:
    ask()
    run_job(table, moment, Asked("k", "a1"), program=("/no/such/program",))
    assert "could not be started" in status(table, moment).detail


def test_a_second_invocation_runs_nothing_while_the_first_is_alive_and_after(
    table: MemoryTable, moment: Moment, ask: Callable, tmp_path: Path
) -> None:
    ask()
    runs, go = tmp_path / "runs", tmp_path / "go"
    code = (
        "import pathlib, time\n"
        f"open({str(runs)!r}, 'a').write('ran ')\n"
        f"while not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)"
    )
    first = threading.Thread(target=run, args=(table, moment, code))
    first.start()
    while not runs.exists():
        time.sleep(0.01)
    assert status(table, moment).state == "running"
    assert run(table, moment, code) is None
    go.touch()
    first.join()
    assert run(table, moment, code) is None
    assert runs.read_text() == "ran "
    assert status(table, moment).state == "succeeded"


def test_of_invocations_in_a_race_one_runs(table: MemoryTable, moment: Moment, ask: Callable, tmp_path: Path) -> None:
    ask()
    runs = tmp_path / "runs"
    code = f"open({str(runs)!r}, 'a').write('ran ')"
    racers = [threading.Thread(target=run, args=(table, moment, code)) for _ in range(4)]
    for one in racers:
        one.start()
    for one in racers:
        one.join()
    assert runs.read_text() == "ran "


def test_a_runner_that_died_is_noticed_when_the_time_is_over(
    table: MemoryTable, moment: Moment, ask: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(timeout=60.0)

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(runner.Process, "end", die)
    with pytest.raises(Killed):
        run(table, moment, "")
    moment.now += 100
    assert status(table, moment).state == "running"
    moment.now += 100
    told = status(table, moment)
    assert (told.state, told.ended) == ("failed", moment.now)
    assert "died without a word" in told.detail


def test_an_event_that_names_no_job_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="names no job to run"):
        handler({"source": "aws.events"}, None)
    with pytest.raises(SystemExit):
        main(["--key", "k"])
