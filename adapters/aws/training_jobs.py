"""Jobs that are too large for a function, as training jobs of SageMaker."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

from adapters.aws.api import Api
from adapters.aws.place import AwsPlace
from adapters.aws.replies import ServiceError, translated, translation
from adapters.jobs.items import JobItem
from adapters.jobs.starting import SILENT, Runs, Seen
from loopwright.definitions.model import Resources
from loopwright.errors import CapabilityError

_ENTRYPOINT: Final = ("python", "-m", "adapters.aws.job_runner")
_VERSION: Final = "1.1"
_MARGIN: Final = 120
"""Seconds for the container's own end, after the runner has stopped a job whose time was over."""

_DISK_GB: Final = 50
_OTHER: Final = re.compile(r"[^A-Za-z0-9]+")
_NAME_PART: Final = 20
_ATTEMPT_PART: Final = 16
_NOT_FOUND: Final = "ValidationException"
_EXISTS: Final = "ResourceInUse"
_ENDED: Final = frozenset({"Completed", "Failed", "Stopped"})


@dataclass(frozen=True, slots=True)
class Instance:
    """A machine that SageMaker has."""

    name: str
    cpu: int
    memory_mb: int


_INSTANCES: Final = (
    Instance("ml.m5.large", 2, 8 * 1024),
    Instance("ml.m5.xlarge", 4, 16 * 1024),
    Instance("ml.m5.2xlarge", 8, 32 * 1024),
    Instance("ml.m5.4xlarge", 16, 64 * 1024),
    Instance("ml.m5.12xlarge", 48, 192 * 1024),
    Instance("ml.m5.24xlarge", 96, 384 * 1024),
)


def instance_for(resources: Resources) -> Instance:
    """Return the smallest machine that has what a job wants.

    Raises:
        CapabilityError: there is none.
    """
    for one in _INSTANCES:
        if resources.cpu <= one.cpu and resources.memory_mb <= one.memory_mb:
            return one
    largest = _INSTANCES[-1]
    raise CapabilityError(
        f"a job of {resources.memory_mb:,} MB and {resources.cpu:g} processors: the largest machine, {largest.name}, "
        f"has {largest.memory_mb:,} MB and {largest.cpu}; ask for less in the model's resources"
    )


def name_of(prefix: str, key: str, attempt: str) -> str:
    """Return the name of a training job, which begins like the stack and the job's key and never comes twice."""
    parts = (_OTHER.sub("-", part)[:_NAME_PART].strip("-") for part in (prefix, key))
    return "-".join((*filter(None, parts), attempt[-_ATTEMPT_PART:]))


class TrainingJobs(Runs):
    """The training jobs of one stack."""

    place = "sagemaker"
    grace = 3_600.0

    def __init__(self, api: Callable[[], Api], place: AwsPlace) -> None:
        """Keep the place; `api` opens SageMaker's client when it is first wanted."""
        self._api = api
        self._place = place

    @override
    def name_of(self, key: str, attempt: str) -> str:
        return name_of(self._place.queues, key, attempt)

    @override
    def run(self, item: JobItem, resources: Resources) -> str:
        """Start a job's training job; one that is there by its name was started by this very call."""
        try:
            request = self._request(item, instance_for(resources))
            self._api().call("SageMaker.CreateTrainingJob", request, version=_VERSION)
        except ServiceError as error:
            if error.code != _EXISTS:
                raise translation(error, f"start job {item.key} on SageMaker") from error
        return item.name

    @override
    def look(self, item: JobItem) -> Seen | None:
        with translated(f"look at training job {item.name}"):
            try:
                name = {"TrainingJobName": item.name}
                found = self._api().call("SageMaker.DescribeTrainingJob", name, version=_VERSION)
            except ServiceError as error:
                if error.code == _NOT_FOUND:
                    return None
                raise
        status = str(found["TrainingJobStatus"])
        if status not in _ENDED:
            return Seen()
        return Seen(f"SageMaker's training job {item.name} {status.lower()}: {found.get('FailureReason') or SILENT}")

    def _request(self, item: JobItem, instance: Instance) -> dict[str, Any]:
        place = self._place
        tags = {"loopwright:stack": place.queues, "loopwright:job": item.job, "loopwright:key": item.key}
        return {
            "TrainingJobName": item.name,
            "AlgorithmSpecification": {
                "TrainingImage": place.training_image,
                "TrainingInputMode": "File",
                "ContainerEntrypoint": list(_ENTRYPOINT),
                "ContainerArguments": ["--key", item.key, "--attempt", item.attempt],
            },
            "RoleArn": place.training_role,
            "OutputDataConfig": {"S3OutputPath": f"s3://{place.bucket}/jobs/"},
            "ResourceConfig": {"InstanceType": instance.name, "InstanceCount": 1, "VolumeSizeInGB": _DISK_GB},
            "StoppingCondition": {"MaxRuntimeInSeconds": int(item.timeout) + _MARGIN},
            # Where the project is in the image, the image knows.
            "Environment": {"LOOPWRIGHT_PROVIDER": "aws", **place.to_env()},
            "Tags": [{"Key": name, "Value": value} for name, value in tags.items()],
        }
