"""Runs one job where `CloudRunJobs` has started it: `python -m adapters.gcp.job_runner --key KEY --attempt ATTEMPT`."""

import os
import sys
from collections.abc import Mapping, Sequence

from adapters.gcp.place import GcpPlace
from adapters.gcp.provider import GcpPlatform
from adapters.jobs.running import asked_by, run_in_container
from loopwright.logs import line
from loopwright.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """Run the job of an execution or of a custom job; return the exit code: 0 also when it is not ours to run."""
    asked = asked_by(argv, "adapters.gcp.job_runner")
    end = run_in_container(asked, lambda: GcpPlatform(Settings.from_env(os.environ)), name=_name(os.environ))
    if end is None or end.state == "succeeded":
        return 0
    sys.stderr.write(line("ERROR", f"job {asked.key} failed: {end.detail}", where=f"job {asked.key}"))
    return 1


def _name(environment: Mapping[str, str]) -> str:
    """Return what runs this process, as Google's services call it; a custom job is told its name by nobody."""
    job, execution = environment.get("CLOUD_RUN_JOB"), environment.get("CLOUD_RUN_EXECUTION")
    if not (job and execution):
        return ""
    place = GcpPlace.from_env(environment)
    return f"projects/{place.project}/locations/{place.region}/jobs/{job}/executions/{execution}"


if __name__ == "__main__":
    sys.exit(main())
