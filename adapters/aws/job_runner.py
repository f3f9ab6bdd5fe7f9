"""Runs one job where `AwsJobs` has started it: `handler` in a Lambda function, `main` in a container of SageMaker.

Both are started at least once, with a job's key and the name of the attempt. What to run is in the job's item, and a
job is run by who turns its item from requested to running; everybody else leaves.
"""

import argparse
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

import msgspec

from adapters.aws.job_items import JobItem, JobItems
from adapters.aws.provider import AwsPlatform
from loopwright.clock import Clock
from loopwright.errors import ConflictError, InvalidInputError
from loopwright.ports import Table
from loopwright.ports.jobs import JobState
from loopwright.settings import Settings

PROGRAM: Final = (sys.executable, "-m", "pipelines.job")
GRACE: Final = 5.0
"""Seconds between asking a job whose time is over to end, and ending it."""

LEAVE: Final = 15.0
"""Seconds of a function's time that a job does not get: for its end, and for writing it down."""

_MARGIN: Final = 120.0
_CODE: Final = Path(__file__).parents[2]
_LAMBDA: Final = "AWS_LAMBDA_FUNCTION_NAME"
_FAILURE: Final = Path("/opt/ml/output/failure")
"""SageMaker tells what is written there as the reason of a failure."""

_FAILURE_LENGTH: Final = 1_000
_LINES: Final = 20
_LINE_LENGTH: Final = 400


class Context(Protocol):
    """What Lambda says about an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it may still take."""
        ...


class _Started(msgspec.Struct, frozen=True):
    key: str
    attempt: str


@dataclass(frozen=True, slots=True)
class End:
    """How a job ended."""

    state: JobState
    detail: str


def handler(event: object, context: Context) -> dict[str, str]:
    """Run the job of an asynchronous invocation; return its state, `skipped` when it is not ours to run.

    Raises:
        InvalidInputError: the event is none of `AwsJobs`.
        UnavailableError: the table does not answer.
    """
    try:
        started = msgspec.convert(event, _Started)
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"the event names no job to run: {error}") from error
    end = _run_there(started, context.get_remaining_time_in_millis() / 1e3 - LEAVE)
    return {"key": started.key, "state": end.state if end else "skipped"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job of a training job and return the exit code: 0 also when it is not ours to run."""
    parser = argparse.ArgumentParser(prog="python -m adapters.aws.job_runner", description="Run one job.")
    parser.add_argument("--key", required=True)
    parser.add_argument("--attempt", required=True)
    given = parser.parse_args(argv)
    end = _run_there(_Started(given.key, given.attempt), math.inf)
    if end is None or end.state == "succeeded":
        return 0
    if _FAILURE.parent.is_dir():
        _FAILURE.write_text(end.detail[-_FAILURE_LENGTH:])
    return 1


def run_job(
    table: Table, clock: Clock, *, key: str, attempt: str, limit: float = math.inf, program: Sequence[str] = PROGRAM
) -> End | None:
    """Run a job to its end and write it down; None: it was given up, or somebody else runs it or has run it.

    Args:
        table: has the jobs.
        clock: this moment.
        key: the job's.
        attempt: must be the one that its item names.
        limit: seconds that it may take at the most, whatever its item says.
        program: a job is this program with the job's name and its arguments behind.
    """
    items = JobItems(table)
    found = items.get(key)
    if found is None or found.item.attempt != attempt or found.item.state != "requested":
        _say(f"job {key} is not to be run: {found.item.state if found else 'nobody asks for it any more'}\n")
        return None
    timeout = min(found.item.timeout, limit)
    running = msgspec.structs.replace(found.item, state="running", deadline=clock() + timeout + _MARGIN)
    try:
        found = items.change(found, running)
    except ConflictError:
        _say(f"job {key} is run by somebody else\n")
        return None
    end = _Process([*program, *_words(found.item)]).end(timeout)
    try:
        items.change(found, msgspec.structs.replace(running, state=end.state, ended=clock(), detail=end.detail))
    except ConflictError:
        _say(f"job {key} had been given up before it ended: {end.state}\n")
    return end


def _run_there(started: _Started, limit: float) -> End | None:
    with closing(AwsPlatform(Settings.from_env(os.environ))) as platform:
        return run_job(platform.table, platform.clock, key=started.key, attempt=started.attempt, limit=limit)


def _words(item: JobItem) -> tuple[str, ...]:
    return (item.job, "--arguments", msgspec.json.encode(item.arguments).decode())


class _Process:
    """A job's process. What it says is passed on line by line, and the end of it is kept."""

    def __init__(self, command: Sequence[str], say: Callable[[str], None] | None = None) -> None:
        self._command = command
        self._say = say or _say
        self._tail: deque[str] = deque(maxlen=_LINES)

    def end(self, timeout: float) -> End:
        """Run it for at most so many seconds and return how it ended."""
        try:
            process = subprocess.Popen(  # noqa: S603 - our own program
                self._command,
                cwd=tempfile.gettempdir(),
                env=_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except OSError as error:
            return End("failed", f"it could not be started: {error}")
        with process:
            listener = threading.Thread(target=self._listen, args=(process.stdout,), daemon=True)
            listener.start()
            how = _how(process, timeout)
            listener.join(GRACE)
        return End("succeeded", "") if how is None else End("failed", f"{''.join(self._tail)}{how}")

    def _listen(self, output: IO[str]) -> None:
        for line in output:
            self._tail.append(line if len(line) <= _LINE_LENGTH else f"{line[:_LINE_LENGTH]}…\n")
            self._say(line)


def _how(process: subprocess.Popen[str], timeout: float) -> str | None:
    """Wait for a process and return what was wrong with it; one that takes too long is ended with its children."""
    try:
        code = process.wait(None if math.isinf(timeout) else max(timeout, 0.0))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return f"stopped after {timeout:g} seconds, its timeout"
    if code == -signal.SIGKILL:
        return "killed, as a process is that wants more memory than there is: ask for more in the model's resources"
    return None if code == 0 else f"exit code {code}"


def _environment(mine: Mapping[str, str]) -> dict[str, str]:
    """Return a job's environment: this very code first, and a home that can be written to where Lambda has none."""
    path = os.pathsep.join(filter(None, (str(_CODE), mine.get("PYTHONPATH"))))
    home = {"HOME": tempfile.gettempdir()} if _LAMBDA in mine else {}
    return {**mine, **home, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
