"""Jobs that are too large for Cloud Run, as custom jobs of Vertex AI.

Google's library makes them, and is imported for that alone; how they stand is asked over REST.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from adapters.gcp.api import Api
from adapters.gcp.place import GcpPlace
from adapters.gcp.replies import ServiceError, translated
from adapters.gcp.vertex_client import opened
from adapters.jobs.items import JobItem
from adapters.jobs.starting import SILENT, Runs, Seen
from loopwright.definitions.model import Resources
from loopwright.errors import CapabilityError

_COMMAND: Final = ("python", "-m", "adapters.gcp.job_runner")
_MARGIN: Final = 120
"""Seconds for the container's own end, after the runner has stopped a job whose time was over."""

_DISK_GB: Final = 100
_OTHER: Final = re.compile(r"[^a-z0-9_-]+")
_LABEL: Final = 63
_NOT_FOUND: Final = 404
_PATIENCE: Final = 60.0
_ENDED: Final = frozenset(
    {
        "JOB_STATE_SUCCEEDED",
        "JOB_STATE_FAILED",
        "JOB_STATE_CANCELLED",
        "JOB_STATE_EXPIRED",
        "JOB_STATE_PARTIALLY_SUCCEEDED",
    }
)


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that Vertex AI has."""

    name: str
    cpu: int
    memory_mb: int


_MACHINES: Final = (
    Machine("n2-standard-2", 2, 8 * 1024),
    Machine("n2-standard-4", 4, 16 * 1024),
    Machine("n2-standard-8", 8, 32 * 1024),
    Machine("n2-standard-16", 16, 64 * 1024),
    Machine("n2-highmem-16", 16, 128 * 1024),
    Machine("n2-standard-48", 48, 192 * 1024),
    Machine("n2-standard-80", 80, 320 * 1024),
    Machine("n2-highmem-80", 80, 640 * 1024),
)


def machine_for(resources: Resources) -> Machine:
    """Return the smallest machine that has what a job wants.

    Raises:
        CapabilityError: there is none.
    """
    for one in _MACHINES:
        if resources.cpu <= one.cpu and resources.memory_mb <= one.memory_mb:
            return one
    largest = _MACHINES[-1]
    raise CapabilityError(
        f"a job of {resources.memory_mb:,} MB and {resources.cpu:g} processors: the largest machine, {largest.name}, "
        f"has {largest.memory_mb:,} MB and {largest.cpu}; ask for less in the model's resources"
    )


class TrainingJobs(Runs):
    """The custom jobs of one stack. Vertex AI names them itself."""

    place = "vertex"
    grace = 3_600.0

    def __init__(self, api: Callable[[str], Api], place: GcpPlace) -> None:
        """Keep the place; `api` opens the client of a service, by its host."""
        self._api = api
        self._place = place

    @override
    def name_of(self, key: str, attempt: str) -> str:
        return ""

    @override
    def run(self, item: JobItem, resources: Resources) -> str:
        """Create a job's custom job.

        Raises:
            CapabilityError: Google's library is not installed here.
            DeniedError, UnavailableError: it was not created, or nobody knows.
        """
        place = self._place
        with opened(place, f"start job {item.key} on Vertex AI") as aiplatform:
            custom = aiplatform.CustomJob(
                display_name=f"{place.queues}-{item.key}"[:128],
                worker_pool_specs=[self._pool(item, machine_for(resources))],
                base_output_dir=f"gs://{place.bucket}/jobs/{item.key}",
                staging_bucket=f"gs://{place.bucket}",
                labels={name: _label(value) for name, value in self._labels(item).items()},
            )
            custom.submit(
                service_account=place.training_account,
                timeout=int(item.timeout) + _MARGIN,
                create_request_timeout=_PATIENCE,
                disable_retries=True,  # a job knows by itself whether it goes on from where it was
            )
            return str(custom.resource_name)

    @override
    def look(self, item: JobItem) -> Seen | None:
        if not item.name:
            return None
        with translated(f"look at custom job {item.name}"):
            try:
                found = self._api(f"{self._place.region}-aiplatform.googleapis.com").call("GET", f"/v1/{item.name}")
            except ServiceError as error:
                if error.status == _NOT_FOUND:
                    return None
                raise
        state = str(found.get("state", ""))
        if state not in _ENDED:
            return Seen()
        reason = found.get("error", {}).get("message") or SILENT
        short = item.name.rpartition("/")[2]
        return Seen(f"Vertex AI's custom job {short} {state.removeprefix('JOB_STATE_').lower()}: {reason}")

    def _labels(self, item: JobItem) -> dict[str, str]:
        return {"loopwright-stack": self._place.queues, "loopwright-job": item.job, "loopwright-key": item.key}

    def _pool(self, item: JobItem, machine: Machine) -> dict[str, Any]:
        # Where the project is in the image, the image knows.
        environment = {"LOOPWRIGHT_PROVIDER": "gcp", **self._place.to_env()}
        return {
            "machine_spec": {"machine_type": machine.name},
            "replica_count": 1,
            "disk_spec": {"boot_disk_type": "pd-ssd", "boot_disk_size_gb": _DISK_GB},
            "container_spec": {
                "image_uri": self._place.training_image,
                "command": list(_COMMAND),
                "args": ["--key", item.key, "--attempt", item.attempt],
                "env": [{"name": name, "value": value} for name, value in environment.items()],
            },
        }


def _label(value: str) -> str:
    """Return a label's value as Google allows it."""
    return _OTHER.sub("-", value.lower())[:_LABEL]
