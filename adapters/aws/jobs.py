"""Jobs in a Lambda function where they fit into one, as training jobs of SageMaker where they do not."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import msgspec
from typing_extensions import override

from adapters.aws.api import Api
from adapters.aws.place import AwsPlace
from adapters.aws.replies import translated
from adapters.aws.signing import Request
from adapters.aws.training_jobs import TrainingJobs, instance_for
from adapters.jobs.items import JobItem
from adapters.jobs.starting import ElsewhereJobs, Runs, Seen
from loopwright.clock import Clock, NewId
from loopwright.definitions.model import Resources
from loopwright.errors import CapabilityError
from loopwright.ports import Table

FUNCTION_MEMORY_MB: Final = 10_240
FUNCTION_CPU: Final = 6.0
FUNCTION_TIMEOUT: Final = timedelta(minutes=15)
"""What a Lambda function has at the most; its processors come with its memory."""

GRACE: Final = 900.0
"""Seconds after which a job that was asked for and does not run is given up: Lambda would have begun long ago."""

_TRAINING: Final = "LOOPWRIGHT_AWS_TRAINING_IMAGE and LOOPWRIGHT_AWS_TRAINING_ROLE"


class AwsJobs(ElsewhereJobs):
    """Jobs that are items of the table, and run in a function or on SageMaker (`adapters.aws.job_runner`)."""

    def __init__(
        self,
        api: Callable[[str], Api],
        place: AwsPlace,
        table: Table,
        clock: Clock,
        new_id: NewId,
        *,
        stamp: Callable[[], int] = time.time_ns,
    ) -> None:
        """Keep the place.

        Args:
            api: opens the client of a service.
            place: the function, the image and the role.
            table: has the jobs.
            clock: this moment.
            new_id: names an attempt to start a job.
            stamp: orders jobs for `list`.
        """
        self._place = place
        self._function = _Function(api, place)
        self._training = TrainingJobs(lambda: api("sagemaker"), place)
        runs = {one.place: one for one in (self._function, self._training)}
        super().__init__(table, clock, new_id, choose=self._fitting, runs=runs, stamp=stamp)

    def _fitting(self, job: str, resources: Resources) -> Runs:
        fits = (
            resources.memory_mb <= FUNCTION_MEMORY_MB
            and resources.cpu <= FUNCTION_CPU
            and resources.timeout <= FUNCTION_TIMEOUT
        )
        if fits and self._place.job_function:
            return self._function
        if self._place.training_image and self._place.training_role:
            instance_for(resources)
            return self._training
        if fits:
            raise CapabilityError(f"job {job} runs nowhere: set LOOPWRIGHT_AWS_JOB_FUNCTION, or {_TRAINING}")
        raise CapabilityError(
            f"job {job} wants {resources.memory_mb:,} MB, {resources.cpu:g} processors and {resources.timeout}; a "
            f"function has {FUNCTION_MEMORY_MB:,} MB, {FUNCTION_CPU:g} and {FUNCTION_TIMEOUT} at the most: set "
            f"{_TRAINING}, or ask for less in the model's resources"
        )


class _Function(Runs):
    """The function that runs jobs. An asynchronous invocation has no name that could be asked after."""

    place = "lambda"
    grace = GRACE

    def __init__(self, api: Callable[[str], Api], place: AwsPlace) -> None:
        self._api = api
        self._name = place.job_function

    @override
    def name_of(self, key: str, attempt: str) -> str:
        return ""

    @override
    def run(self, item: JobItem, resources: Resources) -> str:
        api = self._api("lambda")
        path = f"/2015-03-31/functions/{self._name}/invocations"
        body = msgspec.json.encode({"key": item.key, "attempt": item.attempt})
        with translated(f"start job {item.key} in {self._name}"):
            api.send(Request("POST", api.host, path, headers={"X-Amz-Invocation-Type": "Event"}, body=body))
        return ""

    @override
    def look(self, item: JobItem) -> Seen | None:
        return None
