"""Jobs in a Lambda function where they fit into one, as training jobs of SageMaker where they do not."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final, assert_never

import msgspec
from typing_extensions import override

from adapters.aws.api import Api
from adapters.aws.job_items import Found, JobItem, JobItems
from adapters.aws.place import AwsPlace
from adapters.aws.replies import translated
from adapters.aws.signing import Request
from adapters.aws.training_jobs import Instance, TrainingJobs, instance_for, name_of
from adapters.rules import check_job
from loopwright.clock import Clock, NewId
from loopwright.definitions.model import Resources
from loopwright.errors import CapabilityError, ConflictError, LoopwrightError
from loopwright.ports import Table
from loopwright.ports.jobs import Jobs, JobStatus

FUNCTION_MEMORY_MB: Final = 10_240
FUNCTION_CPU: Final = 6.0
FUNCTION_TIMEOUT: Final = timedelta(minutes=15)
"""What a Lambda function has at the most; its processors come with its memory."""

GRACE: Final = 900.0
"""Seconds after which a job that was asked for and does not run is given up: Lambda would have begun long ago."""

_TRAINING_GRACE: Final = 3_600.0
_TRAINING: Final = "LOOPWRIGHT_AWS_TRAINING_IMAGE and LOOPWRIGHT_AWS_TRAINING_ROLE"


class AwsJobs(Jobs):
    """Jobs that are items of the table first, so that there is one under a key, and then run elsewhere.

    Who runs a job (`adapters.aws.job_runner`) takes what to run from its item and writes into it how it ends. What was
    asked for and never ran, and what is past its time without an end, has failed: it is not started again by itself.
    """

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
        self._api = api
        self._place = place
        self._items = JobItems(table)
        self._clock = clock
        self._new_id = new_id
        self._stamp = stamp
        self._training = TrainingJobs(lambda: api("sagemaker"), place)

    @override
    def start(self, job: str, *, key: str, arguments: Mapping[str, str], resources: Resources) -> bool:
        """Start the job; see `Jobs.start`.

        Raises:
            CapabilityError: it fits nowhere that is configured.
            DeniedError, UnavailableError: it could not be started; nothing is left behind, and it may be tried again.
        """
        check_job(job, key)
        instance = self._instance(job, resources)
        now, attempt = self._clock(), self._new_id()
        item = JobItem(
            key=key,
            job=job,
            arguments=dict(arguments),
            attempt=attempt,
            place="sagemaker" if instance else "lambda",
            name=name_of(self._place.queues, key, attempt) if instance else "",
            stamp=self._stamp(),
            timeout=resources.timeout.total_seconds(),
            state="requested",
            started=now,
            deadline=now + (_TRAINING_GRACE if instance else GRACE),
        )
        if not self._items.create(item):
            return False
        try:
            self._run(item, instance)
        except LoopwrightError:
            # Should it have been started all the same, the runner finds no such attempt and leaves.
            self._items.remove(item)
            raise
        return True

    @override
    def status(self, key: str) -> JobStatus | None:
        found = self._items.get(key)
        return None if found is None else self._observed(found)

    @override
    def list(self, *, limit: int = 100) -> list[JobStatus]:
        return [self._observed(found) for found in self._items.newest(limit)]

    def _instance(self, job: str, resources: Resources) -> Instance | None:
        """Return the machine on which the job runs; None: a function is enough."""
        fits = (
            resources.memory_mb <= FUNCTION_MEMORY_MB
            and resources.cpu <= FUNCTION_CPU
            and resources.timeout <= FUNCTION_TIMEOUT
        )
        if fits and self._place.job_function:
            return None
        if self._place.training_image and self._place.training_role:
            return instance_for(resources)
        if fits:
            raise CapabilityError(f"job {job} runs nowhere: set LOOPWRIGHT_AWS_JOB_FUNCTION, or {_TRAINING}")
        raise CapabilityError(
            f"job {job} wants {resources.memory_mb:,} MB, {resources.cpu:g} processors and {resources.timeout}; a "
            f"function has {FUNCTION_MEMORY_MB:,} MB, {FUNCTION_CPU:g} and {FUNCTION_TIMEOUT} at the most: set "
            f"{_TRAINING}, or ask for less in the model's resources"
        )

    def _run(self, item: JobItem, instance: Instance | None) -> None:
        if instance:
            self._training.create(item, instance)
            return
        api = self._api("lambda")
        path = f"/2015-03-31/functions/{self._place.job_function}/invocations"
        body = msgspec.json.encode({"key": item.key, "attempt": item.attempt})
        with translated(f"start job {item.key} in {self._place.job_function}"):
            api.send(Request("POST", api.host, path, headers={"X-Amz-Invocation-Type": "Event"}, body=body))

    def _observed(self, found: Found) -> JobStatus:
        """Return the state as it is now; an end that nobody wrote is written when it is seen first."""
        if found.item.ended is not None:
            return found.item.status()
        why = self._why_dead(found.item)
        if why is None:
            return found.item.status()
        dead = msgspec.structs.replace(found.item, state="failed", ended=self._clock(), detail=why)
        try:
            return self._items.change(found, dead).item.status()
        except ConflictError:
            # It has begun, or written its end, since we read it.
            again = self._items.get(found.item.key)
            return (again or found).item.status()

    def _why_dead(self, item: JobItem) -> str | None:
        """Return why a job without an end has come to one, or None while it may live."""
        training = self._training.state(item.name) if item.place == "sagemaker" else None
        if training:
            reason = training.reason or "its process died without a word"
            told = f"SageMaker's training job {item.name} {training.status.lower()}: {reason}"
            return told if training.ended else None
        if self._clock() <= item.deadline:
            return None
        match item.state:
            case "requested":
                return f"it was asked for at {item.place}, but did not begin within {item.deadline - item.started:g} s"
            case "running":
                return f"its process died without a word: its {item.timeout:g} s are over"
            case "succeeded" | "failed":
                return None
            case _:
                assert_never(item.state)
