"""From the project's definitions and the stack's configuration to what the stack consists of."""

import math
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from infra.config import StackConfig
from infra.limits import LIMITS, JobLimits
from infra.spec import (
    EVERYTHING,
    FAILURES,
    AlarmSpec,
    Consume,
    FunctionSpec,
    Mirror,
    Publish,
    QueueFeed,
    QueueSpec,
    Read,
    RuleSpec,
    ScheduleSpec,
    Send,
    Sign,
    StackSpec,
    StartJobs,
    Store,
    Write,
)
from loopwright.definitions import Project, Resources
from loopwright.errors import DefinitionError
from loopwright.serving.log import FEATURES_QUEUE, LABELS_QUEUE, PREDICTIONS_QUEUE
from loopwright.settings import DEFAULT_SUBSCRIPTIONS, MIRROR_QUEUE, MIRROR_SUBSCRIPTIONS, TRIGGERS_QUEUE

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,28}[a-z0-9]")
_CALL: Final = timedelta(seconds=29)  # an API in front of a function waits no longer
_BATCH: Final = timedelta(seconds=60)
_UPLOAD: Final = timedelta(minutes=10)  # of a model to where it is shown, or of several
_LEASES: Final = 6  # a message may be taken, refused by a busy function, and wait, this many times a call's length
_SETTLING: Final = timedelta(minutes=5)  # what was asked at the end of a window is in the lake by then
_OLD: Final = timedelta(minutes=30)  # a message that waits for so long is not being collected
_NIGHT: Final = timedelta(hours=2, minutes=30)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)


def plan(project: Project, config: StackConfig) -> StackSpec:
    """Return what the stack consists of."""
    limits = LIMITS[config.provider]
    jobs = _jobs(project, limits.jobs)
    containers = any(not _fits(model.resources, limits.jobs) for model in project.models)
    start = StartJobs(containers)
    functions = (
        *_endpoints(config, start),
        *_tracking(config),
        _collect(config),
        _monitor(config, start),
        _materialize(config),
        *_mirror(config),
    )
    queues = tuple(_queues(config))
    subscriptions = (*DEFAULT_SUBSCRIPTIONS, *(MIRROR_SUBSCRIPTIONS if config.vertex else ()))
    return StackSpec(
        prefix=_prefix(project, config),
        config=config,
        queues=queues,
        rules=tuple(RuleSpec(one.prefix.split(".")[1], one.prefix, one.queue) for one in subscriptions),
        functions=functions,
        jobs=jobs,
        containers=containers,
        schedules=tuple(_schedules(project, config)),
        alarms=tuple(_alarms((*functions, jobs), queues, config)),
    )


def _prefix(project: Project, config: StackConfig) -> str:
    prefix = f"{project.name}-{config.stack}".replace("_", "-")
    if _NAME.fullmatch(prefix):
        return prefix
    raise DefinitionError(
        f"project {project.name!r} and stack {config.stack!r}: names begin with {prefix}, and that must be of "
        "lower-case letters, digits and hyphens, and no longer than 30: choose another name for the stack"
    )


def _endpoints(config: StackConfig, start: StartJobs) -> Iterator[FunctionSpec]:
    """Yield the functions that answer over HTTP."""
    yield FunctionSpec(
        "predict",
        "serve",
        config.memory.predict,
        _CALL,
        (Read("blobs"), Read("table"), Send(PREDICTIONS_QUEUE)),
        routes=("POST /models/{model}/predict", "GET /health", "GET /health/ready", "GET /openapi.json"),
        warm=config.provisioned_concurrency,
        snapshot=config.snap_start,
    )
    yield FunctionSpec(
        "labels", "serve", config.memory.api, _CALL, (Send(LABELS_QUEUE),), routes=("POST /models/{model}/labels",)
    )
    yield FunctionSpec(
        "features",
        "serve",
        config.memory.api,
        _CALL,
        # What was pushed is online when the answer is given; the lake gets it by the queue.
        (Read("table"), Write("table"), Send(FEATURES_QUEUE)),
        routes=("POST /features/{view}/push", "POST /features/{view}/read"),
    )
    yield FunctionSpec(
        "retrain",
        "serve",
        config.memory.api,
        _CALL,
        (Read("table"), Write("table"), start, Consume(TRIGGERS_QUEUE)),
        routes=("POST /models/{model}/retrain",),
        feeds=(QueueFeed(TRIGGERS_QUEUE, batch=10, wait=timedelta(0), calls=2),),
    )


def _tracking(config: StackConfig) -> Iterator[FunctionSpec]:
    """Yield what speaks MLflow, where somebody wants it."""
    if config.tracking:
        yield FunctionSpec(
            "tracking",
            "tracking",
            config.memory.tracking,
            _CALL,
            (Read("blobs"), Write("blobs"), Read("table"), Write("table"), Publish(), Sign()),
            routes=(EVERYTHING,),
        )


def _collect(config: StackConfig) -> FunctionSpec:
    queues = (PREDICTIONS_QUEUE, LABELS_QUEUE, FEATURES_QUEUE)
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


def _monitor(config: StackConfig, start: StartJobs) -> FunctionSpec:
    reads = (Read("blobs"), Read("lake"), Read("table"))
    return FunctionSpec(
        "monitor",
        "lake",
        config.memory.monitor,
        LIMITS[config.provider].call,
        (*reads, Write("lake"), Write("table"), Publish(), start),
    )


def _materialize(config: StackConfig) -> FunctionSpec:
    return FunctionSpec(
        "materialize",
        "lake",
        config.memory.materialize,
        LIMITS[config.provider].call,
        (Read("lake"), Read("table"), Write("table")),
    )


def _mirror(config: StackConfig) -> Iterator[FunctionSpec]:
    """Yield what shows versions and runs elsewhere too, where there is such a place."""
    if config.vertex:
        yield FunctionSpec(
            "mirror",
            "lake",
            config.memory.monitor,
            _UPLOAD,
            (Read("blobs"), Read("table"), Consume(MIRROR_QUEUE), Mirror()),
            # One message at a time: what is shown is all that there is, whoever asks.
            feeds=(QueueFeed(MIRROR_QUEUE, batch=1, wait=timedelta(0), calls=1),),
        )


def _queues(config: StackConfig) -> Iterator[QueueSpec]:
    for name in (PREDICTIONS_QUEUE, LABELS_QUEUE, FEATURES_QUEUE, TRIGGERS_QUEUE):
        yield QueueSpec(name, _BATCH * _LEASES)
    if config.vertex:
        yield QueueSpec(MIRROR_QUEUE, _UPLOAD)


def _jobs(project: Project, limits: JobLimits) -> FunctionSpec:
    """Return what runs all jobs that fit it: as large as the largest of them."""
    wanted = [Resources(), *(model.resources for model in project.models if _fits(model.resources, limits))]
    cpu = max(one.cpu for one in wanted)
    memory = max(one.memory_mb for one in wanted)
    stores: tuple[Store, ...] = ("blobs", "lake", "table")
    return FunctionSpec(
        "jobs",
        "training",
        min(max(memory, math.ceil(cpu * limits.processor)), limits.memory),
        limits.timeout,
        (*map(Read, stores), *map(Write, stores), Publish()),
        cpu=cpu,
    )


def _fits(resources: Resources, limits: JobLimits) -> bool:
    small = resources.memory_mb <= limits.memory and resources.cpu <= limits.cpu
    return small and resources.timeout <= limits.timeout


def _schedules(project: Project, config: StackConfig) -> Iterator[ScheduleSpec]:
    """Yield what comes round by the clock; monitoring as often as the shortest of the models' windows ends."""
    shortest = min(model.monitors.window for model in project.models)
    yield ScheduleSpec("monitor", "monitor", shortest, _SETTLING, "monitor")
    if project.views:
        every = timedelta(minutes=config.materialize_minutes)
        yield ScheduleSpec("materialize", "materialize", every, timedelta(0), "materialize")
    if any(model.triggers.every is not None for model in project.models):
        yield ScheduleSpec("schedules", "monitor", _HOUR, _SETTLING * 2, "schedules")
    yield ScheduleSpec("housekeeping", "monitor", _DAY, _NIGHT, "housekeeping")


def _alarms(functions: Iterable[FunctionSpec], queues: Iterable[QueueSpec], config: StackConfig) -> Iterator[AlarmSpec]:
    for function in functions:
        yield AlarmSpec("errors", function.name, 0)
        if function.routes:
            # Queues and schedules try again by themselves, and are heard when they give up.
            yield AlarmSpec("throttles", function.name, 0)
    yield AlarmSpec("p99", "predict", config.p99_milliseconds)
    for queue in queues:
        yield AlarmSpec("age", queue.name, int(_OLD.total_seconds()))
        yield AlarmSpec("dead", queue.name, 0)
    yield AlarmSpec("dead", FAILURES, 0)
