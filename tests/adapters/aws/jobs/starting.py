"""Jobs that are started through Lambda and SageMaker on this machine, at moments that a test sets."""

from collections.abc import Callable
from datetime import timedelta

from adapters.aws.jobs import AwsJobs
from adapters.aws.place import AwsPlace
from loopwright.definitions import Resources
from loopwright.ports.jobs import JobStatus
from tests.clouds.jobs import JobServices

SMALL = Resources(memory_mb=2048, timeout=timedelta(minutes=10))
LARGE = Resources(memory_mb=20_000, cpu=8, timeout=timedelta(hours=3))
TRAINING = {"training_image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/jobs@sha256:1", "training_role": "arn:r"}

Make = Callable[[AwsPlace], AwsJobs]


class Moment:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


def start(jobs: AwsJobs, key: str = "train-1", resources: Resources = SMALL) -> bool:
    return jobs.start("train", key=key, arguments={"model": "delays"}, resources=resources)


def told(jobs: AwsJobs, key: str = "train-1") -> JobStatus:
    status = jobs.status(key)
    assert status
    return status


def only_training(services: JobServices) -> dict:
    (training,) = services.trainings.values()
    return training
