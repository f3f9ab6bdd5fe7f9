"""What Cloud Monitoring measures of functions, jobs and queues, and how it is looked at."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra.gcp.place import Place
from infra.spec import Alarm, FunctionSpec

PERIOD: Final = "300s"


@dataclass(frozen=True, slots=True)
class Measure:
    """One of Google's metrics.

    Attributes:
        metric: its type.
        kind: the type of what it is measured of ...
        label: ... and the label that has its name.
        align: how the values of a few minutes become one ...
        reduce: ... and those of several instances or versions.
        where: what else must hold.
        words: for people.
    """

    metric: str
    kind: str
    label: str
    align: str
    reduce: str
    words: str
    where: str = ""

    def filter(self, place: Place, thing: str) -> str:
        """Return which values are meant: of one thing of the stack, by its short name."""
        parts = [
            f'metric.type = "{self.metric}"',
            f'resource.type = "{self.kind}"',
            f'resource.labels.{self.label} = "{place.named(thing)}"',
            *([self.where] if self.where else []),
        ]
        if self.kind != "pubsub_subscription":
            parts.append(f'resource.labels.location = "{place.region}"')
        return " AND ".join(parts)

    def aggregation(self) -> dict[str, str]:
        """Return how values are put together, in Monitoring's words."""
        return {"alignmentPeriod": PERIOD, "perSeriesAligner": self.align, "crossSeriesReducer": self.reduce}


def _requests(words: str, where: str = "") -> Measure:
    return Measure(
        "run.googleapis.com/request_count",
        "cloud_run_revision",
        "service_name",
        "ALIGN_DELTA",
        "REDUCE_SUM",
        words,
        where,
    )


def _latency(percentile: int, words: str) -> Measure:
    return Measure(
        "run.googleapis.com/request_latencies",
        "cloud_run_revision",
        "service_name",
        f"ALIGN_PERCENTILE_{percentile}",
        "REDUCE_MAX",
        words,
    )


def _messages(metric: str, words: str) -> Measure:
    return Measure(
        f"pubsub.googleapis.com/subscription/{metric}",
        "pubsub_subscription",
        "subscription_id",
        "ALIGN_MAX",
        "REDUCE_MAX",
        words,
    )


_JOB_ERRORS: Final = Measure(
    "run.googleapis.com/job/completed_execution_count",
    "cloud_run_job",
    "job_name",
    "ALIGN_DELTA",
    "REDUCE_SUM",
    "jobs failed",
    'metric.labels.result = "failed"',
)

CALLS: Final = _requests("calls")
MEDIAN: Final = _latency(50, "milliseconds for every other call")
INSTANCES: Final = Measure(
    "run.googleapis.com/container/instance_count",
    "cloud_run_revision",
    "service_name",
    "ALIGN_MAX",
    "REDUCE_SUM",
    "instances",
)
WAITING: Final = _messages("num_undelivered_messages", "messages wait")

MEASURES: Final[Mapping[Alarm, Measure]] = {
    "errors": _requests("calls failed", 'metric.labels.response_code_class = "5xx"'),
    "throttles": _requests("calls were refused: too many at once", 'metric.labels.response_code = "429"'),
    "p99": _latency(99, "milliseconds for one call in a hundred"),
    "age": _messages("oldest_unacked_message_age", "seconds has a message waited"),
    "dead": _messages("num_undelivered_messages", "messages are dead: redrive"),
}


def measure_of(what: Alarm, of: str, jobs: FunctionSpec) -> Measure:
    """Return what is looked at; jobs are no requests."""
    return _JOB_ERRORS if (what, of) == ("errors", jobs.name) else MEASURES[what]


def thing_of(what: Alarm, of: str) -> str:
    """Return the short name of what is measured: dead messages are in a queue of their own."""
    return f"{of}-dead" if what == "dead" else of
