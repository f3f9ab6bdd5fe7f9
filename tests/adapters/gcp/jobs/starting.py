"""Jobs that are started through a Cloud Run and a Vertex AI on this machine, at moments that a test sets."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from adapters.gcp.api import Api
from adapters.gcp.jobs import CloudRunJobs
from adapters.gcp.place import GcpPlace
from adapters.jobs.items import JobItem, JobItems
from adapters.memory.table import MemoryTable
from loopwright.definitions import Resources
from loopwright.ports.jobs import JobStatus
from tests.clouds.google.throwaway import PROJECT, REGION

SMALL = Resources(memory_mb=2048, timeout=timedelta(minutes=10))
LARGE = Resources(memory_mb=50_000, cpu=8, timeout=timedelta(hours=3))

LINGER = "import sys, time; print(sys.argv[1:], flush=True); time.sleep(60)"
"""Who runs this does not end by himself."""

Make = Callable[[GcpPlace], CloudRunJobs]


class Moment:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Cloud:
    """The Google on this machine, as a test looks at it."""

    api: Api
    place: GcpPlace
    table: MemoryTable

    def executions(self) -> list[dict[str, Any]]:
        found = self.api.call("GET", f"/v2/projects/{PROJECT}/locations/{REGION}/jobs/{self.place.job}/executions")
        return found["executions"]

    def custom_jobs(self) -> list[dict[str, Any]]:
        found = self.api.call("GET", f"/v1/projects/{PROJECT}/locations/{REGION}/customJobs")["customJobs"]
        return [one for one in found if one["displayName"].startswith(f"{self.place.queues}-")]

    def item(self, key: str = "train-1") -> JobItem:
        found = JobItems(self.table).get(key)
        assert found
        return found.item


def start(jobs: CloudRunJobs, key: str = "train-1", resources: Resources = SMALL) -> bool:
    return jobs.start("train", key=key, arguments={"model": "delays"}, resources=resources)


def told(jobs: CloudRunJobs, key: str = "train-1") -> JobStatus:
    status = jobs.status(key)
    assert status
    return status


def until_ended(jobs: CloudRunJobs, key: str = "train-1") -> JobStatus:
    limit = time.monotonic() + 60
    while (status := told(jobs, key)).ended is None:
        assert time.monotonic() < limit, status
        time.sleep(0.05)
    return status
