"""What a stack costs on Google Cloud."""

from datetime import timedelta
from typing import Final

from infra.costs.bill import IMAGE_GIGABYTES, MILLION, MONTH, QUIET, THOUSAND, Cost, Logging, Prices, Work
from infra.gcp.sizes import limits
from infra.spec import FunctionSpec, StackSpec

_CHECKS: Final = MONTH / timedelta(seconds=30)
"""How often a month Cloud Monitoring looks at an alarm's condition."""

_EVERY: Final = timedelta(minutes=1)
"""How often `collect` looks whether there is something."""

_ROUNDING: Final = 0.1
"""Cloud Run bills whole tenths of a second that an instance is busy."""

_DELIVERIES: Final = 2.0
"""A message is paid for when it is published, and when it is taken."""


def idle(spec: StackSpec, prices: Prices) -> list[Cost]:
    """Return what a month costs in which nobody asks for anything."""
    alarms = len(spec.alarms) * (prices["monitoring"]["condition_month"] + _CHECKS * prices["monitoring"]["series"])
    schedules = len(spec.schedules) + len(_collectors(spec))
    return [
        Cost("alarms", alarms),
        Cost("schedules", schedules * prices["scheduler"]["schedule_month"]),
        Cost("calls of schedules", _scheduled(spec, prices)),
        Cost("looking for messages", sum(_looking(one, prices) for one in _collectors(spec))),
        Cost("the image", IMAGE_GIGABYTES * prices["registry"]["gigabyte_month"]),
        *([Cost("the key", prices["secrets"]["version_month"])] if spec.config.auth == "apikey" else []),
        *(Cost(f"{one.warm} warm instances of {one.name}", _warm(one, prices)) for one in spec.functions if one.warm),
    ]


def million(spec: StackSpec, prices: Prices, work: Work) -> list[Cost]:
    """Return what a million predictions of one row each cost, with their log, their labels and all that follows.

    They come one at a time: an instance that answers several at once is paid for once.
    """
    functions = {function.name: function for function in spec.functions}
    records = MILLION * (1 + work.labels)
    batches = records / work.records_in_batch
    answering = max(work.predict_milliseconds / 1e3, _ROUNDING)
    # Labels come many in a request: they cost their messages, not their calls.
    kilobytes = max(work.record_bytes / 1024, prices["pubsub"]["smallest_kilobytes"])
    stored = MILLION * work.record_bytes * (1 + work.labels / 4) / 1e9
    return [
        Cost("answering", _computed(functions["predict"], MILLION, answering, prices)),
        Cost("features looked up", MILLION * work.views * prices["firestore"]["read"]),
        Cost("queues", records * kilobytes / 1024**2 * _DELIVERIES * prices["pubsub"]["gigabyte"]),
        Cost("collecting into the lake", _computed(functions["collect"], batches, work.collect_seconds, prices)),
        Cost("requests to the lake", batches * (4 * prices["storage"]["write"] + 12 * prices["storage"]["read"])),
        Cost("a month in the lake", stored * prices["storage"]["gigabyte_month"]),
        Cost("logs and measurements", MILLION * work.log_bytes / 1e9 * prices["logging"]["gigabyte"]),
    ]


def thousand(spec: StackSpec, prices: Prices, run: Logging) -> list[Cost]:
    """Return what a thousand runs cost that notebooks log, one call at a time."""
    tracking = next(one for one in spec.functions if one.name == "tracking")
    calls = THOUSAND * run.calls
    items = run.reads * prices["firestore"]["read"] + run.writes * prices["firestore"]["write"]
    return [
        Cost("answering", _computed(tracking, calls, max(run.milliseconds / 1e3, _ROUNDING), prices)),
        Cost("items", THOUSAND * items),
        Cost("files", THOUSAND * run.files * prices["storage"]["write"]),
        Cost("a month of the files", THOUSAND * run.file_bytes / 1e9 * prices["storage"]["gigabyte_month"]),
        Cost("logs and measurements", calls * run.log_bytes / 1e9 * prices["logging"]["gigabyte"]),
    ]


def _collectors(spec: StackSpec) -> list[FunctionSpec]:
    """Return the functions that are called by the clock to empty queues."""
    return [one for one in spec.functions if any(feed.wait for feed in one.feeds)]


def _size(function: FunctionSpec) -> tuple[float, float]:
    """Return a function's processors and gigabytes."""
    size = limits(function.memory, function.cpu)
    return float(size["cpu"]), int(size["memory"].removesuffix("Mi")) / 1024


def _computed(function: FunctionSpec, calls: float, seconds: float, prices: Prices) -> float:
    cpu, gigabytes = _size(function)
    second = cpu * prices["run"]["cpu_second"] + gigabytes * prices["run"]["gigabyte_second"]
    return calls * (prices["run"]["request"] + seconds * second)


def _scheduled(spec: StackSpec, prices: Prices) -> float:
    functions = {function.name: function for function in spec.functions}
    return sum(
        _computed(functions[one.function], MONTH / one.every, QUIET[one.function], prices) for one in spec.schedules
    )


def _looking(function: FunctionSpec, prices: Prices) -> float:
    every = max(_EVERY, *(feed.wait for feed in function.feeds))
    return _computed(function, MONTH / every, QUIET[function.name], prices)


def _warm(function: FunctionSpec, prices: Prices) -> float:
    cpu, gigabytes = _size(function)
    second = cpu * prices["run"]["warm_cpu_second"] + gigabytes * prices["run"]["warm_gigabyte_second"]
    return function.warm * MONTH.total_seconds() * second
