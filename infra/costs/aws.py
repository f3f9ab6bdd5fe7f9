"""What a stack costs on AWS."""

from datetime import timedelta
from typing import Final

from infra.costs.bill import IMAGE_GIGABYTES, MILLION, MONTH, QUIET, THOUSAND, Cost, Logging, Prices, Work
from infra.spec import FunctionSpec, StackSpec

_POLLERS: Final = 5
"""Connections with which Lambda waits at each queue that calls a function, also while it is empty."""

_POLL: Final = timedelta(seconds=20)
_RECEIVED: Final = 10
"""Messages in one request to SQS, at the most."""


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
        Cost("the training image", IMAGE_GIGABYTES * prices["ecr"]["gigabyte_month"]),
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


def thousand(spec: StackSpec, prices: Prices, run: Logging) -> list[Cost]:
    """Return what a thousand runs cost that notebooks log."""
    tracking = next(one for one in spec.functions if one.name == "tracking")
    calls = THOUSAND * run.calls
    computed = _computed(spec, tracking, calls, run.milliseconds / 1e3, prices)
    items = run.reads * prices["dynamodb"]["read_unit"] + run.writes * prices["dynamodb"]["write_unit"]
    return [
        Cost("answering", computed + calls * prices["api"]["request"]),
        Cost("items", THOUSAND * items),
        Cost("files", THOUSAND * run.files * prices["s3"]["put"]),
        Cost("a month of the files", THOUSAND * run.file_bytes / 1e9 * prices["s3"]["gigabyte_month"]),
        Cost("logs and measurements", calls * run.log_bytes / 1e9 * prices["cloudwatch"]["log_gigabyte"]),
    ]


def _computed(spec: StackSpec, function: FunctionSpec, calls: float, seconds: float, prices: Prices) -> float:
    second = function.memory / 1024 * prices["lambda"][f"gigabyte_second_{spec.config.architecture}"]
    return calls * (prices["lambda"]["request"] + seconds * second)


def _scheduled(spec: StackSpec, prices: Prices) -> float:
    functions = {function.name: function for function in spec.functions}
    return sum(
        _computed(spec, functions[one.function], MONTH / one.every, QUIET[one.function], prices)
        for one in spec.schedules
    )


def _warm(spec: StackSpec, function: FunctionSpec, prices: Prices) -> float:
    second = function.memory / 1024 * prices["lambda"][f"warm_gigabyte_second_{spec.config.architecture}"]
    return function.warm * MONTH.total_seconds() * second
