"""Jobs as executions of a Cloud Run job where they fit into it, as custom jobs of Vertex AI where they do not.

Source: "Method: projects.locations.jobs.run" and "executions", Cloud Run Admin API v2.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from typing_extensions import override

from adapters.gcp.api import Api, quoted
from adapters.gcp.place import GcpPlace
from adapters.gcp.replies import ServiceError, translated
from adapters.gcp.training_jobs import TrainingJobs, machine_for
from adapters.jobs.items import JobItem
from adapters.jobs.starting import SILENT, ElsewhereJobs, Runs, Seen
from loopwright.clock import Clock, NewId
from loopwright.definitions.model import Resources
from loopwright.errors import CapabilityError
from loopwright.ports import Table

RUN: Final = "run.googleapis.com"
JOB_MEMORY_MB: Final = 32 * 1024
JOB_CPU: Final = 8.0
JOB_TIMEOUT: Final = timedelta(hours=24)
"""What a Cloud Run job has at the most. An execution can be given less time than its job, but not more memory."""

GRACE: Final = 900.0
"""Seconds after which a job is given up of which no execution is seen: there would have been one long ago."""

MARGIN: Final = 120
"""Seconds that an execution has beyond its job's: who runs it stops it, and can still write that down."""

_NOT_FOUND: Final = 404
_TRAINING: Final = "LOOPWRIGHT_GCP_TRAINING_IMAGE and LOOPWRIGHT_GCP_TRAINING_ACCOUNT"


class CloudRunJobs(ElsewhereJobs):
    """Jobs that are items of the table, and run on Cloud Run or Vertex AI (`adapters.gcp.job_runner`)."""

    def __init__(
        self,
        api: Callable[[str], Api],
        place: GcpPlace,
        table: Table,
        clock: Clock,
        new_id: NewId,
        *,
        stamp: Callable[[], int] = time.time_ns,
    ) -> None:
        """Keep the place.

        Args:
            api: opens the client of a service, by its host.
            place: the Cloud Run job, the image and the service account.
            table: has the jobs.
            clock: this moment.
            new_id: names an attempt to start a job.
            stamp: orders jobs for `list`.
        """
        self._place = place
        self._executions = _Executions(lambda: api(RUN), place)
        self._training = TrainingJobs(api, place)
        runs = {one.place: one for one in (self._executions, self._training)}
        super().__init__(table, clock, new_id, choose=self._fitting, runs=runs, stamp=stamp)

    def _fitting(self, job: str, resources: Resources) -> Runs:
        fits = resources.memory_mb <= JOB_MEMORY_MB and resources.cpu <= JOB_CPU and resources.timeout <= JOB_TIMEOUT
        if fits and self._place.job:
            return self._executions
        if self._place.training_image and self._place.training_account:
            machine_for(resources)
            return self._training
        if fits:
            raise CapabilityError(f"job {job} runs nowhere: set LOOPWRIGHT_GCP_JOB, or {_TRAINING}")
        raise CapabilityError(
            f"job {job} wants {resources.memory_mb:,} MB, {resources.cpu:g} processors and {resources.timeout}; a "
            f"Cloud Run job has {JOB_MEMORY_MB:,} MB, {JOB_CPU:g} and {JOB_TIMEOUT} at the most: set {_TRAINING}, or "
            "ask for less in the model's resources"
        )


class _Executions(Runs):
    """Executions of the one Cloud Run job of the stack."""

    place = "cloud-run"
    grace = GRACE

    def __init__(self, api: Callable[[], Api], place: GcpPlace) -> None:
        self._api = api
        self._job = place.job
        self._path = f"/v2/projects/{quoted(place.project)}/locations/{quoted(place.region)}/jobs/{quoted(place.job)}"

    @override
    def name_of(self, key: str, attempt: str) -> str:
        return ""

    @override
    def run(self, item: JobItem, resources: Resources) -> str:
        timeout = min(int(item.timeout) + MARGIN, int(JOB_TIMEOUT.total_seconds()))
        container = {"args": ["--key", item.key, "--attempt", item.attempt]}
        body = {"overrides": {"containerOverrides": [container], "timeout": f"{timeout}s", "taskCount": 1}}
        with translated(f"start job {item.key} in {self._job}"):
            operation = self._api().call("POST", f"{self._path}:run", body)
        return str(operation.get("metadata", {}).get("name", ""))

    @override
    def look(self, item: JobItem) -> Seen | None:
        if not item.name:
            return None
        with translated(f"look at execution {item.name}"):
            try:
                execution = self._api().call("GET", f"/v2/{item.name}")
            except ServiceError as error:
                if error.status != _NOT_FOUND:
                    raise
                # One that has begun was there: somebody has deleted it.
                gone = item.state == "running"
                return Seen(f"{SILENT}: its execution {_last(item.name)} is gone") if gone else None
        if not execution.get("completionTime"):
            return Seen()
        return Seen(f"{SILENT}: execution {_last(item.name)} of Cloud Run {_ended(execution)}")


def _ended(execution: dict[str, Any]) -> str:
    """Return how an execution ended, in Cloud Run's words."""
    if execution.get("cancelledCount"):
        return "was cancelled"
    completed: dict[str, Any] = next(
        (one for one in execution.get("conditions", ()) if one.get("type") == "Completed"), {}
    )
    state = "ended" if execution.get("succeededCount") else "failed"
    return f"{state}: {completed['message']}" if completed.get("message") else state


def _last(name: str) -> str:
    return name.rpartition("/")[2]
