"""What a stack costs, from its plan, a price table and how much work there is: `python -m infra.costs`."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from infra.config import read_config
from infra.plan import plan
from infra.spec import FunctionSpec, StackSpec
from loopwright.definitions.project import load_project

PRICES: Final = Path(__file__).with_name("prices.toml")

MILLION: Final = 1_000_000
MONTH: Final = timedelta(days=30)

_POLLERS: Final = 5
"""Connections with which Lambda waits at each queue that calls a function, also while it is empty."""

_POLL: Final = timedelta(seconds=20)
_RECEIVED: Final = 10
"""Messages in one request to SQS, at the most."""

_IMAGE_GIGABYTES: Final = 0.9
_QUIET: Final = {"monitor": 1.5, "materialize": 0.6}
"""Seconds that a scheduled call takes when there is nothing new."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a million predictions are, in work.

    Attributes:
        predict_milliseconds: that one call of one row is billed for.
        record_bytes: of one prediction in the log.
        records_in_batch: that one call of `collect` writes, as one file.
        collect_seconds: that such a call is billed for.
        log_bytes: that a call of `predict` writes to CloudWatch, with its measurements.
        labels: for every prediction.
        views: that are looked up for one prediction.
    """

    predict_milliseconds: float = 8.0
    record_bytes: int = 400
    records_in_batch: int = 500
    collect_seconds: float = 2.0
    log_bytes: int = 700
    labels: float = 1.0
    views: int = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of a bill: what for, and US dollars."""

    what: str
    dollars: float


Prices = Mapping[str, Mapping[str, float]]


def read_prices(path: Path = PRICES) -> tuple[Prices, str]:
    """Return the prices by service, and which they are: their date and region."""
    table = tomllib.loads(path.read_text("utf-8"))
    told = f"{table.pop('as_of')}, {table.pop('region')}"
    return table, told


def idle(spec: StackSpec, prices: Prices) -> list[Cost]:
    """Return what a month costs in which nobody asks for anything."""
    calls = sum(MONTH / schedule.every for schedule in spec.schedules)
    feeds = sum(len(function.feeds) for function in spec.functions)
    polls = feeds * _POLLERS * (MONTH / _POLL)
    return [
        Cost("alarms", len(spec.alarms) * prices["cloudwatch"]["alarm_month"]),
        Cost("dashboard", prices["cloudwatch"]["dashboard_month"]),
        Cost("waiting at queues", polls * prices["sqs"]["request"]),
        Cost("schedules and their calls", calls * prices["events"]["schedule_call"] + _scheduled(spec, prices)),
        *([Cost("the key of the alarms", prices["kms"]["key_month"])] if spec.config.alarm_email else []),
        Cost("the training image", _IMAGE_GIGABYTES * prices["ecr"]["gigabyte_month"]),
        *(
            Cost(f"{one.warm} warm instances of {one.name}", _warm(spec, one, prices))
            for one in spec.functions
            if one.warm
        ),
    ]


def million(spec: StackSpec, prices: Prices, work: Work) -> list[Cost]:
    """Return what a million predictions of one row each cost, with their log, their labels and all that follows."""
    functions = {function.name: function for function in spec.functions}
    records = MILLION * (1 + work.labels)
    batches = records / work.records_in_batch
    answered = _computed(spec, functions["predict"], MILLION, work.predict_milliseconds / 1e3, prices)
    # Labels come many in a request: they cost their messages, not their calls.
    collected = _computed(spec, functions["collect"], batches, work.collect_seconds, prices)
    messages = records * (1 + 2 / _RECEIVED)
    stored = MILLION * work.record_bytes * (1 + work.labels / 4) / 1e9
    return [
        Cost("answering", answered),
        Cost("features looked up", MILLION * work.views * prices["dynamodb"]["read_unit"]),
        Cost("queues", messages * prices["sqs"]["request"]),
        Cost("collecting into the lake", collected),
        Cost("requests to the lake", batches * (4 * prices["s3"]["put"] + 12 * prices["s3"]["get"])),
        Cost("a month in the lake", stored * prices["s3"]["gigabyte_month"]),
        Cost("logs and measurements", MILLION * work.log_bytes / 1e9 * prices["cloudwatch"]["log_gigabyte"]),
    ]


def table(title: str, costs: list[Cost]) -> Iterator[str]:
    """Yield the lines of a Markdown table with a sum."""
    yield f"| {title} | US$ |"
    yield "|---|---:|"
    yield from (f"| {cost.what} | {cost.dollars:.2f} |" for cost in costs)
    yield f"| **in all** | **{sum(cost.dollars for cost in costs):.2f}** |"


def told(spec: StackSpec, work: Work = Work()) -> Iterator[str]:
    """Yield both tables in Markdown."""
    prices, which = read_prices()
    yield f"At AWS's list prices of {which}, without its free tier, with the default configuration:"
    yield ""
    yield from table("a month in which nobody asks", idle(spec, prices))
    yield ""
    yield from table("a million predictions, one row each", million(spec, prices, work))


def _computed(spec: StackSpec, function: FunctionSpec, calls: float, seconds: float, prices: Prices) -> float:
    second = function.memory / 1024 * prices["lambda"][f"gigabyte_second_{spec.config.architecture}"]
    return calls * (prices["lambda"]["request"] + seconds * second)


def _scheduled(spec: StackSpec, prices: Prices) -> float:
    functions = {function.name: function for function in spec.functions}
    return sum(
        _computed(spec, functions[one.function], MONTH / one.every, _QUIET[one.function], prices)
        for one in spec.schedules
    )


def _warm(spec: StackSpec, function: FunctionSpec, prices: Prices) -> float:
    second = function.memory / 1024 * prices["lambda"][f"warm_gigabyte_second_{spec.config.architecture}"]
    return function.warm * MONTH.total_seconds() * second


class _Defaults:
    """A configuration in which nothing is set."""

    def get(self, key: str) -> str | None:  # noqa: ARG002 - nothing is set
        return None


def default_spec(root: Path) -> StackSpec:
    """Return the plan of the example project with the default configuration."""
    config = read_config(_Defaults(), stack="dev", root=root)
    return plan(load_project(config.folder), config)


if __name__ == "__main__":
    print("\n".join(told(default_spec(Path(__file__).parents[1]))))  # noqa: T201
