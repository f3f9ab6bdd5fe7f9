"""What each provider gives at the most, and which values it takes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

Cloud = Literal["aws", "gcp"]


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What a job has at the most that runs where all jobs run; one that wants more runs in a container of its own.

    Attributes:
        memory: in MB.
        cpu: processors.
        timeout: of one job.
        processor: MB of memory that one processor takes at the least.
    """

    memory: int
    cpu: float
    timeout: timedelta
    processor: int


@dataclass(frozen=True, slots=True)
class Limits:
    """One provider's.

    Attributes:
        memory: of a function in MB, the least and the most.
        call: the longest call of a schedule.
        jobs: see there.
        retention_days: for how many days logs can be kept.
        image: how the name of an image looks that the provider runs ...
        image_form: ... and the same for people.
    """

    memory: range
    call: timedelta
    jobs: JobLimits
    retention_days: Sequence[int]
    image: re.Pattern[str]
    image_form: str


_CLOUDWATCH_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3653),
)

LIMITS: Final[Mapping[Cloud, Limits]] = {
    # Lambda: a function gets its processors with its memory.
    "aws": Limits(
        memory=range(256, 10_241),
        call=timedelta(minutes=15),
        jobs=JobLimits(memory=10_240, cpu=6.0, timeout=timedelta(minutes=15), processor=1769),
        retention_days=_CLOUDWATCH_DAYS,
        image=re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[^:@]+[:@].+"),
        image_form="an image of ECR, as <account>.dkr.ecr.<region>.amazonaws.com/<name>:<tag>",
    ),
    # Cloud Run: an answer takes an hour at the most, but Cloud Scheduler waits no longer than half of one.
    "gcp": Limits(
        memory=range(512, 32_769),
        call=timedelta(minutes=30),
        jobs=JobLimits(memory=32_768, cpu=8.0, timeout=timedelta(hours=24), processor=512),
        retention_days=range(1, 3651),
        image=re.compile(r"[a-z0-9-]+-docker\.pkg\.dev/[^/]+/[^/]+/[^:@]+[:@].+"),
        image_form="an image of Artifact Registry, as <region>-docker.pkg.dev/<project>/<repository>/<name>:<tag>",
    ),
}
