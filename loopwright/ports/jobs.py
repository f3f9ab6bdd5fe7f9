"""Long work in a process of its own, started once per key."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from loopwright.definitions.model import Resources

JobState = Literal["running", "succeeded", "failed"]


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job's state; `detail` is the end of its output when it failed, `started` and `ended` are moments."""

    key: str
    job: str
    state: JobState
    started: float
    ended: float | None
    detail: str


class Jobs(Protocol):
    """Starts `python -m pipelines.job <job>` where the provider runs such things, with arguments as JSON."""

    def start(self, job: str, *, key: str, arguments: Mapping[str, str], resources: Resources) -> bool:
        """Start the job unless one was started under `key` before; return whether this call started it.

        `key` is `[A-Za-z0-9._-]{1,128}`. Of several callers in a race exactly one gets True.
        """
        ...

    def status(self, key: str) -> JobStatus | None:
        """Return the job's state; a job whose process died without a word has failed. None: never started."""
        ...

    def list(self, *, limit: int = 100) -> list[JobStatus]:
        """Return the newest jobs, newest first."""
        ...
