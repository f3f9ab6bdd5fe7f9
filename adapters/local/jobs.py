"""Jobs as processes of this machine."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from typing_extensions import override

from adapters.local.border import translated
from adapters.local.database import Database
from adapters.rules import check_job
from loopwright.clock import Clock
from loopwright.definitions.model import Resources
from loopwright.errors import UnavailableError
from loopwright.ports.jobs import Jobs, JobState, JobStatus
from loopwright.settings import Settings

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS jobs (
    seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, job TEXT NOT NULL, state TEXT NOT NULL,
    started REAL NOT NULL, ended REAL, detail TEXT NOT NULL
)
"""
_FIELDS: Final = "key, job, state, started, ended, detail"
_START: Final = "INSERT OR IGNORE INTO jobs (key, job, state, started, detail) VALUES (?, ?, 'running', ?, '')"
_END: Final = "UPDATE jobs SET state = ?, ended = ?, detail = ? WHERE key = ? AND state = 'running'"

_PROGRAM: Final = (sys.executable, "-m", "pipelines.job")
_CODE: Final = Path(__file__).parents[2]
_RUNNER: Final = Path(__file__).with_name("job_runner.py")
_POLITE: Final = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads of a training sleep while they wait for each other: spinning would take the processors from who serves."""

_DETAIL_BYTES: Final = 4_000
_DETAIL_LINES: Final = 20


class _End(msgspec.Struct, frozen=True):
    code: int
    ended: float


class LocalJobs(Jobs):
    """Jobs as processes of this machine; their output is in `home/jobs/<key>.log`.

    Whoever holds the lock of `<key>.lock` is the job: the starter first, then the runner and the job itself, which get
    it from the starter. The kernel lets go of it when the last of them is gone, however they went. Memory and
    processors are not limited here, the time is.
    """

    def __init__(
        self,
        home: Path,
        settings: Settings,
        clock: Clock,
        *,
        program: Sequence[str] = _PROGRAM,
        grace: float = 10.0,
    ) -> None:
        """Keep the place.

        Args:
            home: the folder for the jobs' files.
            settings: what a job finds in its environment.
            clock: this moment.
            program: a job is this program with the job's name and its arguments behind.
            grace: seconds between asking a job whose time is over to end, and ending it.
        """
        self._grace = grace
        self._program = program
        self._folder = home / "jobs"
        self._database = Database(home / "jobs.db", _SCHEMA)
        self._settings = settings
        self._clock = clock

    def close(self) -> None:
        """Let go of the file; jobs run on."""
        self._database.close()

    @override
    def start(self, job: str, *, key: str, arguments: Mapping[str, str], resources: Resources) -> bool:
        check_job(job, key)
        with self._locked(key) as lock:
            # Who does not get the lock lost the race against another starter, or the job is running.
            if lock is None or not self._first(job, key):
                return False
            command = [*self._program, job, "--arguments", json.dumps(dict(arguments))]
            try:
                self._run(key, command, resources.timeout.total_seconds(), lock)
            except UnavailableError as error:
                self._end(key, "failed", self._clock(), str(error))
        return True

    @override
    def status(self, key: str) -> JobStatus | None:
        with translated(f"read job {key}"):
            row = self._database.connection.execute(f"SELECT {_FIELDS} FROM jobs WHERE key = ?", (key,)).fetchone()
        return None if row is None else self._observed(JobStatus(*row))

    @override
    def list(self, *, limit: int = 100) -> list[JobStatus]:
        with translated("list jobs"):
            rows = self._database.connection.execute(
                f"SELECT {_FIELDS} FROM jobs ORDER BY seq DESC LIMIT ?", (limit,)
            ).fetchall()
        return [self._observed(JobStatus(*row)) for row in rows]

    def _first(self, job: str, key: str) -> bool:
        with self._database.write(f"start job {key}") as connection:
            return connection.execute(_START, (key, job, self._clock())).rowcount == 1

    def _run(self, key: str, command: Sequence[str], timeout: float, lock: int) -> None:
        clock_file = str(self._settings.clock_file.resolve()) if self._settings.clock_file else ""
        runner = [sys.executable, "-I", "-S", str(_RUNNER), str(self._file(key, "end")), str(self._file(key, "log"))]
        # A job finds what any child of this process finds, and this very code first.
        path = os.pathsep.join(filter(None, (str(_CODE), os.environ.get("PYTHONPATH"))))
        environment = {**_POLITE, **os.environ, **self._settings.to_env(), "PYTHONPATH": path}
        with translated(f"start job {key}"):
            # The runner leaves this process at once, so there is nobody to wait for and no zombie.
            subprocess.run(  # noqa: S603 - our own program
                [*runner, clock_file, str(timeout), str(self._grace), str(lock), *command],
                env=environment,
                pass_fds=(lock,),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
            )

    def _observed(self, status: JobStatus) -> JobStatus:
        """Return the state as it is now; an end is stored when it is seen first."""
        if status.state != "running":
            return status
        end = self._ended(status.key)
        if end is None:
            with self._locked(status.key) as lock:
                if lock is None:
                    return status
            # It was alive when we looked for its last words; now that it is gone they are there, or never will be.
            end = self._ended(status.key)
        code, ended = (end.code, end.ended) if end else (None, self._clock())
        if code == 0:
            return self._end(status.key, "succeeded", ended, "") or status
        how = "its process died without a word" if code is None else f"exit code {code}"
        return self._end(status.key, "failed", ended, f"{self._tail(status.key)}{how}") or status

    def _end(self, key: str, state: JobState, ended: float, detail: str) -> JobStatus | None:
        with self._database.write(f"end job {key}") as connection:
            connection.execute(_END, (state, ended, detail, key))
            row = connection.execute(f"SELECT {_FIELDS} FROM jobs WHERE key = ?", (key,)).fetchone()
        return JobStatus(*row) if row else None

    def _ended(self, key: str) -> _End | None:
        with translated(f"read the end of job {key}"):
            try:
                return msgspec.json.decode(self._file(key, "end").read_bytes(), type=_End)
            except FileNotFoundError:
                return None

    def _tail(self, key: str) -> str:
        """Return the last lines of the job's output."""
        with translated(f"read the output of job {key}"):
            try:
                with self._file(key, "log").open("rb") as log:
                    log.seek(max(0, log.seek(0, os.SEEK_END) - _DETAIL_BYTES))
                    lines = log.read().decode(errors="replace").splitlines()[-_DETAIL_LINES:]
            except FileNotFoundError:
                return ""
        return "".join(f"{line}\n" for line in lines)

    @contextmanager
    def _locked(self, key: str) -> Iterator[int | None]:
        """Yield the job's lock as an open file, or None when somebody holds it."""
        with translated(f"lock job {key}"):
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._file(key, "lock"), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            yield None
            return
        try:
            yield lock
        finally:
            os.close(lock)

    def _file(self, key: str, kind: str) -> Path:
        return (self._folder / f"{key}.{kind}").resolve()
