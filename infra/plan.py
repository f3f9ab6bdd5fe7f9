"""From the project's definitions and the stack's configuration to what the stack consists of."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from infra.config import StackConfig
from infra.spec import (
    Consume,
    FunctionSpec,
    Publish,
    QueueFeed,
    QueueSpec,
    Read,
    RuleSpec,
    ScheduleSpec,
    Send,
    StackSpec,
    StartJobs,
    Write,
)
from loopwright.definitions import Project, Resources
from loopwright.settings import DEFAULT_SUBSCRIPTIONS, TRIGGERS_QUEUE

FUNCTION_MEMORY: Final = 10_240
FUNCTION_TIMEOUT: Final = timedelta(minutes=15)
"""What a function has at most; a job that wants more runs in a container of its own."""

PREDICTIONS: Final = "predictions"
LABELS: Final = "labels"
FEATURES: Final = "features"

_CALL: Final = timedelta(seconds=29)  # an API in front of a function waits no longer
_BATCH: Final = timedelta(seconds=60)
_LEASES: Final = 6  # a message may be taken, refused by a busy function, and wait, this many times a call's length
_SETTLING: Final = timedelta(minutes=5)  # what was asked at the end of a window is in the lake by then
_DAY: Final = timedelta(days=1)


def plan(project: Project, config: StackConfig) -> StackSpec:
    """Return what the stack consists of."""
    functions = (*_endpoints(config), _collect(config), _monitor(config), _materialize(config))
    return StackSpec(
        prefix=f"{project.name.replace('_', '-')}-{config.stack}",
        config=config,
        queues=tuple(QueueSpec(name, _BATCH * _LEASES) for name in (PREDICTIONS, LABELS, FEATURES, TRIGGERS_QUEUE)),
        rules=tuple(RuleSpec(one.prefix.split(".")[1], one.prefix, one.queue) for one in DEFAULT_SUBSCRIPTIONS),
        functions=functions,
        jobs=_jobs(project),
        schedules=tuple(_schedules(project, config)),
    )


def _endpoints(config: StackConfig) -> Iterator[FunctionSpec]:
    """Yield the functions that answer over HTTP."""
    yield FunctionSpec(
        "predict",
        "serve",
        config.memory.predict,
        _CALL,
        (Read("blobs"), Read("table"), Send(PREDICTIONS)),
        routes=("POST /models/{model}/predict",),
        warm=config.provisioned_concurrency,
        snapshot=config.snap_start,
    )
    yield FunctionSpec(
        "labels", "serve", config.memory.api, _CALL, (Send(LABELS),), routes=("POST /models/{model}/labels",)
    )
    yield FunctionSpec(
        "features",
        "serve",
        config.memory.api,
        _CALL,
        (Read("table"), Send(FEATURES)),
        routes=("POST /features/{view}/push", "POST /features/{view}/read"),
    )
    yield FunctionSpec(
        "retrain",
        "serve",
        config.memory.api,
        _CALL,
        (Read("table"), Write("table"), StartJobs(), Consume(TRIGGERS_QUEUE)),
        routes=("POST /models/{model}/retrain",),
        feeds=(QueueFeed(TRIGGERS_QUEUE, batch=10, wait=timedelta(0), calls=2),),
    )


def _collect(config: StackConfig) -> FunctionSpec:
    queues = (PREDICTIONS, LABELS, FEATURES)
    stores = (Read("lake"), Write("lake"), Read("table"), Write("table"))
    return FunctionSpec(
        "collect",
        "lake",
        config.memory.collect,
        _BATCH,
        (*stores, *(Consume(queue) for queue in queues)),
        # Few and large batches: each is a commit, and a file, in the lake.
        feeds=tuple(QueueFeed(queue, batch=1000, wait=timedelta(seconds=30), calls=2) for queue in queues),
    )


def _monitor(config: StackConfig) -> FunctionSpec:
    reads = (Read("blobs"), Read("lake"), Read("table"))
    return FunctionSpec(
        "monitor",
        "lake",
        config.memory.monitor,
        FUNCTION_TIMEOUT,
        (*reads, Write("lake"), Write("table"), Publish(), StartJobs()),
    )


def _materialize(config: StackConfig) -> FunctionSpec:
    return FunctionSpec(
        "materialize",
        "lake",
        config.memory.materialize,
        FUNCTION_TIMEOUT,
        (Read("lake"), Read("table"), Write("table")),
    )


def _jobs(project: Project) -> FunctionSpec:
    """Return the function of all jobs that fit one: as large as the largest of them."""
    wanted = [Resources().memory_mb, *(model.resources.memory_mb for model in project.models if _fits(model.resources))]
    return FunctionSpec(
        "jobs",
        "training",
        max(wanted),
        FUNCTION_TIMEOUT,
        (
            *(Read(store) for store in ("blobs", "lake", "table")),
            *(Write(store) for store in ("blobs", "lake", "table")),
            Publish(),
        ),
    )


def _fits(resources: Resources) -> bool:
    return resources.memory_mb <= FUNCTION_MEMORY and resources.timeout <= FUNCTION_TIMEOUT


def _schedules(project: Project, config: StackConfig) -> Iterator[ScheduleSpec]:
    for model in project.models:
        message = {"schedule": "monitor", "model": model.name}
        yield ScheduleSpec(f"monitor-{model.name}", "monitor", model.monitors.window, _SETTLING, message)
    for view in project.views:
        every = timedelta(minutes=config.materialize_minutes)
        message = {"schedule": "materialize", "view": view.name}
        yield ScheduleSpec(f"materialize-{view.name}", "materialize", every, timedelta(0), message)
    if any(model.triggers.every is not None for model in project.models):
        yield ScheduleSpec("retrain", "monitor", timedelta(hours=1), timedelta(minutes=10), {"schedule": "retrain"})
    yield ScheduleSpec("housekeeping", "monitor", _DAY, timedelta(hours=2, minutes=30), {"schedule": "housekeeping"})
