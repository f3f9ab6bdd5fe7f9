"""Runs one job where `AwsJobs` has started it: `handler` in a Lambda function, `main` in a container of SageMaker."""

import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol

import msgspec

from adapters.aws.provider import AwsPlatform
from adapters.jobs.running import Asked, asked_by, run_in_container, run_job
from loopwright.errors import InvalidInputError
from loopwright.settings import Settings

LEAVE: Final = 15.0
"""Seconds of a function's time that a job does not get: for its end, and for writing it down."""

_FAILURE: Final = Path("/opt/ml/output/failure")
"""SageMaker tells what is written there as the reason of a failure."""

_FAILURE_LENGTH: Final = 1_000


class Context(Protocol):
    """What Lambda says about an invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it may still take."""
        ...


def handler(event: object, context: Context) -> dict[str, str]:
    """Run the job of an asynchronous invocation; return its state, `skipped` when it is not ours to run.

    Raises:
        InvalidInputError: the event is none of `AwsJobs`.
        UnavailableError: the table does not answer.
    """
    try:
        asked = msgspec.convert(event, Asked)
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"the event names no job to run: {error}") from error
    # Lambda has no home that can be written to.
    environment = {**os.environ, "HOME": tempfile.gettempdir()}
    limit = context.get_remaining_time_in_millis() / 1e3 - LEAVE
    with closing(_platform()) as platform:
        end = run_job(platform.table, platform.clock, asked, limit=limit, environment=environment)
    return {"key": asked.key, "state": end.state if end else "skipped"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job of a training job and return the exit code: 0 also when it is not ours to run."""
    end = run_in_container(asked_by(argv, "adapters.aws.job_runner"), _platform)
    if end is None or end.state == "succeeded":
        return 0
    if _FAILURE.parent.is_dir():
        _FAILURE.write_text(end.detail[-_FAILURE_LENGTH:])
    return 1


def _platform() -> AwsPlatform:
    return AwsPlatform(Settings.from_env(os.environ))


if __name__ == "__main__":
    sys.exit(main())
