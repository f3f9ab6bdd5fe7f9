"""Jobs that run nothing: who drives the test finishes them."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace

from typing_extensions import override

from adapters.rules import check_job
from loopwright.clock import Clock
from loopwright.definitions.model import Resources
from loopwright.errors import NotFoundError
from loopwright.ports.jobs import Jobs, JobState, JobStatus


@dataclass(frozen=True, slots=True)
class Started:
    """What a job was started with."""

    job: str
    key: str
    arguments: Mapping[str, str]
    resources: Resources


class MemoryJobs(Jobs):
    """Jobs that are running until `finish` says how they ended."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: dict[str, JobStatus] = {}
        self._started: dict[str, Started] = {}
        self._lock = threading.Lock()

    @override
    def start(self, job: str, *, key: str, arguments: Mapping[str, str], resources: Resources) -> bool:
        check_job(job, key)
        now = self._clock()
        with self._lock:
            if key in self._jobs:
                return False
            self._started[key] = Started(job, key, dict(arguments), resources)
            self._jobs[key] = JobStatus(key, job, "running", now, None, "")
        return True

    @override
    def status(self, key: str) -> JobStatus | None:
        with self._lock:
            return self._jobs.get(key)

    @override
    def list(self, *, limit: int = 100) -> list[JobStatus]:
        with self._lock:
            return [*reversed(self._jobs.values())][:limit]

    def started(self, key: str) -> Started:
        """Return what the job was started with, or raise NotFoundError."""
        with self._lock:
            try:
                return self._started[key]
            except KeyError:
                raise NotFoundError(f"job {key}") from None

    def finish(self, key: str, state: JobState, detail: str = "") -> None:
        """End a job, or raise NotFoundError."""
        now = self._clock()
        with self._lock:
            if key not in self._jobs:
                raise NotFoundError(f"job {key}")
            self._jobs[key] = replace(self._jobs[key], state=state, ended=now, detail=detail)
