import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from adapters.local.jobs import LocalJobs
from loopwright.clock import ReplayClock
from loopwright.definitions import Resources
from loopwright.ports.jobs import JobStatus
from loopwright.settings import Settings

PROGRAM = """
import json, os, signal, subprocess, sys, time

job, _, arguments = sys.argv[1:]
arguments = json.loads(arguments)
print("arguments", json.dumps(arguments), flush=True)
match job:
    case "succeed":
        print(json.dumps({**os.environ, "session": os.getsid(0), "pid": os.getpid()}))
    case "fail":
        print("\\n".join(f"line {number}" for number in range(100)))
        raise RuntimeError("it went wrong")
    case "sleep":
        with open(arguments["pid"], "w") as file:
            file.write(str(os.getpid()))
        time.sleep(60)
    case "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "60"])
        with open(arguments["pid"], "w") as file:
            file.write(str(child.pid))
        child.wait()
"""


@pytest.fixture
def clock(tmp_path: Path) -> ReplayClock:
    clock = ReplayClock(tmp_path / "clock")
    clock.set(1_000.0)
    return clock


@pytest.fixture
def jobs(tmp_path: Path, clock: ReplayClock) -> Iterator[LocalJobs]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    settings = Settings("local", tmp_path / "home", tmp_path, tmp_path / "clock")
    opened = LocalJobs(settings.home, settings, clock, program=(sys.executable, str(program)), grace=0.5)
    yield opened
    opened.close()


def ended(jobs: LocalJobs, key: str) -> JobStatus:
    for _ in range(400):
        status = jobs.status(key)
        assert status
        if status.state != "running":
            return status
        time.sleep(0.05)
    raise AssertionError(f"{key} is still running")


def text_of(path: Path) -> str:
    for _ in range(400):
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError(f"{path} was never written")


def test_a_job_gets_its_arguments_and_the_settings(jobs: LocalJobs, clock: ReplayClock, tmp_path: Path) -> None:
    arguments = {"model": "delays", "reason": 'say "x" $HOME ☂'}
    assert jobs.start("succeed", key="k", arguments=arguments, resources=Resources())
    status = ended(jobs, "k")
    assert (status.state, status.detail, status.started, status.ended) == ("succeeded", "", 1_000.0, 1_000.0)
    first, second = (tmp_path / "home" / "jobs" / "k.log").read_text().splitlines()
    assert json.loads(first.removeprefix("arguments ")) == arguments
    environment = json.loads(second)
    assert environment["LOOPWRIGHT_HOME"] == str(tmp_path / "home")
    assert environment["LOOPWRIGHT_CLOCK_FILE"] == str(tmp_path / "clock")
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["PYTHONPATH"].split(os.pathsep)[0] == str(Path(__file__).parents[3])
    assert environment["session"] == environment["pid"] != os.getsid(0)


def test_a_job_that_fails_says_why(jobs: LocalJobs, clock: ReplayClock) -> None:
    jobs.start("fail", key="k", arguments={}, resources=Resources())
    clock.set(2_000.0)
    status = ended(jobs, "k")
    assert status.state == "failed"
    *_, error, how = status.detail.splitlines()
    assert (error, how) == ("RuntimeError: it went wrong", "exit code 1")
    assert len(status.detail.splitlines()) == 21
    assert "line 99" in status.detail
    assert jobs.list() == [status]


def test_a_job_that_is_killed_has_failed(jobs: LocalJobs, tmp_path: Path) -> None:
    jobs.start("sleep", key="k", arguments={"pid": str(tmp_path / "pid")}, resources=Resources())
    os.kill(int(text_of(tmp_path / "pid")), signal.SIGKILL)
    status = ended(jobs, "k")
    assert (status.state, status.detail.splitlines()[-1]) == ("failed", "exit code -9")


def test_a_job_whose_process_dies_without_a_word_has_failed(jobs: LocalJobs, tmp_path: Path) -> None:
    jobs.start("sleep", key="k", arguments={"pid": str(tmp_path / "pid")}, resources=Resources())
    job = psutil.Process(int(text_of(tmp_path / "pid")))
    runner = job.parent()
    assert runner
    runner.kill()
    time.sleep(0.2)
    status = jobs.status("k")
    assert status
    assert status.state == "running", "the job itself is alive"
    job.kill()
    status = ended(jobs, "k")
    assert (status.state, status.ended) == ("failed", 1_000.0)
    assert status.detail.endswith("its process died without a word")
    assert not jobs.start("sleep", key="k", arguments={}, resources=Resources())


def test_a_job_that_takes_too_long_is_stopped_with_its_children(jobs: LocalJobs, tmp_path: Path) -> None:
    resources = Resources(timeout=timedelta(seconds=1))
    jobs.start("stubborn", key="k", arguments={"pid": str(tmp_path / "pid")}, resources=resources)
    child = psutil.Process(int(text_of(tmp_path / "pid")))
    status = ended(jobs, "k")
    assert (status.state, status.detail.splitlines()[-1]) == ("failed", "exit code 124")
    assert "stopped after 1 seconds, its timeout" in status.detail
    child.wait(5)


def test_a_job_outlives_the_one_who_started_it(jobs: LocalJobs, clock: ReplayClock, tmp_path: Path) -> None:
    before = set(psutil.Process().children())
    jobs.start("sleep", key="k", arguments={"pid": str(tmp_path / "pid")}, resources=Resources())
    job = psutil.Process(int(text_of(tmp_path / "pid")))
    jobs.close()
    settings = Settings("local", tmp_path / "home", tmp_path, tmp_path / "clock")
    another = LocalJobs(settings.home, settings, clock)
    status = another.status("k")
    assert status
    assert status.state == "running"
    assert set(psutil.Process().children()) <= before, "it is no child that somebody would have to wait for"
    job.kill()
    assert ended(another, "k").state == "failed"
    another.close()


def test_a_program_that_is_not_there_is_a_failed_job(tmp_path: Path, clock: ReplayClock) -> None:
    settings = Settings("local", tmp_path / "home", tmp_path)
    jobs = LocalJobs(settings.home, settings, clock, program=(str(tmp_path / "nothing"),))
    jobs.start("train", key="k", arguments={}, resources=Resources())
    status = ended(jobs, "k")
    assert status.state == "failed"
    assert "nothing" in status.detail
    jobs.close()
