"""What a stack consists of follows from the project's definitions and the configuration."""

from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest

from adapters import open_platform
from adapters.aws import jobs as aws_jobs
from adapters.gcp import jobs as gcp_jobs
from functions.features.app import PUSH_ROUTE, READ_ROUTE
from functions.labels.app import ROUTE as LABELS
from functions.monitor.schedules import schedules
from functions.predict.app import ROUTE as PREDICT
from functions.retrain.app import ROUTE as RETRAIN
from infra.aws.schedules import expression
from infra.limits import LIMITS, Cloud
from infra.packages import KIND_OF
from infra.plan import plan
from infra.spec import EVERYTHING, ScheduleSpec, StackSpec, StartJobs
from loopwright.definitions import Monitors, Project, Resources, Triggers
from loopwright.definitions.project import load_project
from loopwright.errors import DefinitionError
from loopwright.settings import Settings
from tests.infra.stacks import ROOT, configured

FLIGHTS = load_project(ROOT / "examples/flights")
DELAYS = FLIGHTS.models[0]
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def planned(project: Project = FLIGHTS, **values: str) -> StackSpec:
    return plan(project, configured(**values))


def with_model(**changes: object) -> Project:
    return replace(FLIGHTS, models=(replace(DELAYS, **changes),))


def starts(spec: StackSpec) -> set[StartJobs]:
    return {one for function in spec.functions for one in function.permissions if isinstance(one, StartJobs)}


def test_there_is_a_function_for_every_folder_that_is_deployed() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}
    # Measurements go to CloudWatch, and the worker's duties to schedules and queues.
    assert {one.name for one in planned().functions} == folders - {"metrics", "mirror", "worker"}


def test_versions_and_runs_are_shown_elsewhere_where_somebody_wants_it() -> None:
    shown = planned(provider="gcp", vertex="true")
    (mirror,) = set(shown.functions) - set(planned(provider="gcp").functions)
    assert (mirror.name, [feed.queue for feed in mirror.feeds]) == ("mirror", ["mirror"])
    assert {rule.prefix for rule in shown.rules if rule.queue == "mirror"} == {
        "loopwright.registry.",
        "loopwright.training.",
    }
    assert next(queue.lease for queue in shown.queues if queue.name == "mirror") >= mirror.timeout


def test_every_function_is_in_a_package_that_is_built_for_it() -> None:

    assert {one.name: one.package for one in planned().functions} == KIND_OF


def test_routes_are_those_that_the_functions_answer() -> None:
    routes = {route for one in planned().functions for route in one.routes}

    own = {f"POST {route}" for route in (PUSH_ROUTE, READ_ROUTE, LABELS, PREDICT, RETRAIN)}
    assert routes == own | {"GET /health", "GET /health/ready", "GET /openapi.json", EVERYTHING}


@pytest.mark.parametrize("provider", get_args(Cloud))
def test_what_speaks_mlflow_is_there_unless_nobody_wants_it(provider: Cloud) -> None:
    full, without = planned(provider=provider), planned(provider=provider, tracking="false")
    (tracking,) = set(full.functions) - set(without.functions)
    assert (tracking.name, tracking.routes) == ("tracking", (EVERYTHING,))
    assert {one.of for one in full.alarms} - {one.of for one in without.alarms} == {"tracking"}
    assert planned(provider=provider, trackingMemory="2048").functions[4].memory == 2048


def test_a_message_is_in_hand_for_six_times_as_long_as_its_consumer_may_take() -> None:
    spec = planned()
    leases = {queue.name: queue.lease for queue in spec.queues}
    fed = [(function, feed) for function in spec.functions for feed in function.feeds]
    assert {feed.queue for _, feed in fed} == set(leases)
    assert all(leases[feed.queue] >= 6 * function.timeout for function, feed in fed)


@pytest.mark.parametrize(
    ("resources", "memory", "containers"),
    [
        (Resources(memory_mb=512), 2048, False),
        (Resources(memory_mb=6000), 6000, False),
        (Resources(cpu=4), 7076, False),
        (Resources(cpu=6), 10_240, False),
        (Resources(memory_mb=20_000), 2048, True),
        (Resources(cpu=8), 2048, True),
        (Resources(timeout=timedelta(hours=2)), 2048, True),
    ],
)
def test_jobs_get_what_the_largest_of_those_that_fit_a_function_wants(
    resources: Resources, memory: int, containers: object
) -> None:
    spec = planned(with_model(resources=resources))
    assert spec.jobs.memory == memory
    assert spec.containers is containers
    assert starts(spec) == {StartJobs(spec.containers)}


@pytest.mark.parametrize(
    ("resources", "memory", "cpu", "containers"),
    [
        (Resources(memory_mb=512), 2048, 1, False),
        (Resources(memory_mb=20_000), 20_000, 1, False),
        (Resources(cpu=8), 4096, 8, False),
        (Resources(timeout=timedelta(hours=24)), 2048, 1, False),
        (Resources(timeout=timedelta(hours=25)), 2048, 1, True),
        (Resources(memory_mb=32_769), 2048, 1, True),
        (Resources(cpu=16), 2048, 1, True),
    ],
)
def test_jobs_get_more_where_the_provider_has_more(
    resources: Resources, memory: int, cpu: float, containers: object
) -> None:
    spec = planned(with_model(resources=resources), provider="gcp")
    assert (spec.jobs.memory, spec.jobs.cpu) == (memory, cpu)
    assert spec.jobs.timeout == timedelta(hours=24)
    assert spec.containers is containers


@pytest.mark.parametrize("provider", get_args(Cloud))
def test_the_plan_is_the_same_for_every_provider_but_for_sizes(provider: Cloud) -> None:
    spec, other = planned(provider=provider), planned()
    assert spec.schedules == other.schedules
    assert (spec.queues, spec.rules, spec.alarms) == (other.queues, other.rules, other.alarms)
    limits = LIMITS[provider]
    for one, same in zip(spec.functions, other.functions, strict=True):
        assert replace(one, timeout=same.timeout) == same
        assert one.memory in limits.memory
        assert one.timeout <= limits.call


def test_models_are_monitored_as_often_as_the_shortest_window_ends() -> None:
    hourly = replace(DELAYS, name="hourly", monitors=Monitors(window=HOUR))
    spec = planned(replace(FLIGHTS, models=(DELAYS, hourly)))
    assert next(one for one in spec.schedules if one.name == "monitor").every == HOUR


def test_what_a_project_has_not_is_not_scheduled() -> None:
    assert {one.name for one in planned().schedules} == {"monitor", "materialize", "schedules", "housekeeping"}
    unscheduled = planned(with_model(triggers=Triggers(every=None)))
    assert {one.name for one in unscheduled.schedules} == {"monitor", "materialize", "housekeeping"}


def test_schedules_name_what_their_function_does_when_it_is_due() -> None:

    platform = open_platform(Settings("memory"))
    known = set(schedules(platform, FLIGHTS))
    assert {one.due for one in planned().schedules if one.function == "monitor"} == known
    assert {one.due for one in planned().schedules if one.function == "materialize"} == {"materialize"}


@pytest.mark.parametrize(
    ("every", "offset", "words"),
    [
        (DAY, timedelta(hours=2, minutes=30), "cron(30 2 * * ? *)"),
        (HOUR, 10 * MINUTE, "cron(10 0/1 * * ? *)"),
        (6 * HOUR, 5 * MINUTE, "cron(5 0/6 * * ? *)"),
        (15 * MINUTE, 0 * MINUTE, "cron(0/15 * * * ? *)"),
        (7 * MINUTE, 0 * MINUTE, "rate(7 minutes)"),
        (7 * DAY, 0 * MINUTE, "rate(10080 minutes)"),
        (MINUTE, 0 * MINUTE, "cron(0/1 * * * ? *)"),
    ],
)
def test_a_schedule_is_told_by_the_clock_where_it_divides_an_hour_or_a_day(
    every: timedelta, offset: timedelta, words: str
) -> None:
    assert expression(ScheduleSpec("x", "monitor", every, offset, "monitor")) == words


@pytest.mark.parametrize("stack", ["Dev", "dev.blue", "a" * 40])
def test_a_stack_whose_names_aws_would_refuse_is_refused(stack: str) -> None:
    with pytest.raises(DefinitionError, match="choose another name for the stack"):
        plan(FLIGHTS, replace(configured(), stack=stack))


def test_underscores_become_hyphens() -> None:
    assert plan(replace(FLIGHTS, name="late_flights"), configured()).prefix == "late-flights-dev"


def test_every_queue_and_every_function_has_an_alarm() -> None:
    spec = planned()
    alarmed = {(one.what, one.of) for one in spec.alarms}
    for function in (*spec.functions, spec.jobs):
        assert ("errors", function.name) in alarmed
        assert (("throttles", function.name) in alarmed) is bool(function.routes)
    for queue in spec.queues:
        assert {("age", queue.name), ("dead", queue.name)} <= alarmed
    assert {("dead", "failures"), ("p99", "predict")} <= alarmed


@pytest.mark.parametrize(
    ("provider", "there"),
    [
        ("aws", (aws_jobs.FUNCTION_MEMORY_MB, aws_jobs.FUNCTION_CPU, aws_jobs.FUNCTION_TIMEOUT)),
        ("gcp", (gcp_jobs.JOB_MEMORY_MB, gcp_jobs.JOB_CPU, gcp_jobs.JOB_TIMEOUT)),
    ],
)
def test_the_plan_and_who_starts_jobs_know_the_same_limits(provider: Cloud, there: object) -> None:
    here = LIMITS[provider].jobs
    assert there == (here.memory, here.cpu, here.timeout)
