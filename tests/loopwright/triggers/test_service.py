import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property

import pytest
from typing_extensions import override

from adapters import open_platform
from adapters.memory.jobs import MemoryJobs
from adapters.memory.provider import MemoryPlatform
from loopwright import Entity, Field, Gate, Label, Model, Project, Resources
from loopwright import Triggers as Rules
from loopwright.errors import NotFoundError, UnavailableError
from loopwright.ports import Platform
from loopwright.settings import Settings
from loopwright.triggers import Reason, Triggers

DAY = 86_400.0

MODEL = Model(
    name="delays",
    task="binary",
    entity=Entity("flight", (Field("flight_id", "string"),)),
    label=Label("late"),
    observations="flights",
    request=(Field("distance"),),
    features=("distance",),
    train=lambda _rows, _target, _context: None,
    gate=Gate("roc_auc"),
    triggers=Rules(every=timedelta(days=30), cooldown=timedelta(days=7), budget=3),
)
PROJECT = Project("air", (MODEL,))


@pytest.fixture
def platform() -> Platform:
    return open_platform(Settings(provider="memory"))


@pytest.fixture
def triggers(platform: Platform) -> Triggers:
    return Triggers(platform, PROJECT)


def drift(number: int) -> Reason:
    return Reason("drift", "temp has drifted", f"drift/delays/{number}")


def finish(platform: Platform, job: str | None) -> None:
    assert isinstance(platform.jobs, MemoryJobs)
    assert job is not None
    platform.jobs.finish(job, "succeeded")


def test_a_reason_starts_the_training_job_with_all_that_it_must_know(platform: Platform, triggers: Triggers) -> None:
    decision = triggers.consider("delays", drift(1), now=0.0)
    assert decision.started
    assert isinstance(platform.jobs, MemoryJobs)
    started = platform.jobs.started(str(decision.job))
    assert started.job == "train"
    assert started.resources == MODEL.resources
    assert started.arguments == {
        "model": "delays",
        "reason": "drift: temp has drifted",
        "who": "loopwright",
        "at": "1970-01-01T00:00:00Z",
    }


def test_an_event_that_is_told_twice_is_decided_once(platform: Platform, triggers: Triggers) -> None:
    first = triggers.consider("delays", drift(1), now=0.0)
    finish(platform, first.job)
    assert triggers.consider("delays", drift(1), now=50 * DAY) == first
    assert len(triggers.ledger("delays")) == 1
    assert len(platform.jobs.list()) == 1


def test_a_refused_event_stays_refused_but_a_new_one_is_decided_anew(platform: Platform, triggers: Triggers) -> None:
    finish(platform, triggers.consider("delays", drift(1), now=0.0).job)
    assert not triggers.consider("delays", drift(2), now=DAY).started
    assert not triggers.consider("delays", drift(2), now=8 * DAY).started
    assert triggers.consider("delays", drift(3), now=8 * DAY).started


def test_there_is_one_training_at_a_time(platform: Platform, triggers: Triggers) -> None:
    first = triggers.consider("delays", drift(1), now=0.0)
    second = triggers.consider("delays", Reason("person", "now!", "ann-1", who="ann"), now=20 * DAY)
    assert second.why == f"job {first.job} is still running"
    finish(platform, first.job)
    assert triggers.consider("delays", Reason("person", "now!", "ann-2", who="ann"), now=20 * DAY).started


def test_the_ledger_tells_who_wanted_what_and_what_came_of_it_newest_first(triggers: Triggers) -> None:
    triggers.consider("delays", drift(1), now=0.0)
    triggers.consider("delays", Reason("person", "feels off", "ann-1", who="ann"), now=0.5)
    triggers.consider("delays", drift(2), now=1.0)
    ledger = triggers.ledger("delays")
    assert [entry.at for entry in ledger] == [1.0, 0.5, 0.0]
    assert ledger[1].reason == Reason("person", "feels off", "ann-1", who="ann")
    assert [entry.decision.started for entry in ledger] == [False, False, True]
    assert triggers.ledger("delays", limit=1) == ledger[:1]


def test_consumers_in_a_race_start_one_job(platform: Platform, triggers: Triggers) -> None:
    together = threading.Barrier(8)
    started: list[bool] = []

    def consume(number: int) -> None:
        together.wait()
        started.append(triggers.consider("delays", drift(number), now=0.0).started)

    threads = [threading.Thread(target=consume, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started) == [False] * 7 + [True]
    assert len(platform.jobs.list()) == 1
    assert len(triggers.ledger("delays")) == 8


def test_an_unknown_model_is_named(triggers: Triggers) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        triggers.consider("nothing", drift(1), now=0.0)


class MortalJobs(MemoryJobs):
    """While `dead`, it fails whenever a job is to be started, as if the process were killed at that moment."""

    dead = False

    @override
    def start(self, job: str, *, key: str, arguments: Mapping[str, str], resources: Resources) -> bool:
        if self.dead:
            raise UnavailableError(job)
        return super().start(job, key=key, arguments=arguments, resources=resources)


class MortalPlatform(MemoryPlatform):
    @cached_property
    @override
    def jobs(self) -> MortalJobs:
        return MortalJobs(self.clock)


@pytest.fixture
def mortal() -> MortalPlatform:
    return MortalPlatform(Settings(provider="memory"))


def die_before_starting(platform: MortalPlatform) -> None:
    platform.jobs.dead = True
    with pytest.raises(UnavailableError):
        Triggers(platform, PROJECT).consider("delays", drift(1), now=0.0)
    platform.jobs.dead = False
    assert platform.jobs.list() == []


def test_a_process_that_dies_before_it_starts_the_job_loses_nothing(mortal: MortalPlatform) -> None:
    die_before_starting(mortal)
    assert Triggers(mortal, PROJECT).consider("delays", drift(1), now=60.0).started
    assert len(mortal.jobs.list()) == 1
    assert len(Triggers(mortal, PROJECT).ledger("delays")) == 1


def test_another_event_starts_the_job_that_a_dead_process_left_and_no_second(mortal: MortalPlatform) -> None:
    die_before_starting(mortal)
    assert not Triggers(mortal, PROJECT).consider("delays", drift(2), now=60.0).started
    assert len(mortal.jobs.list()) == 1


def test_looking_at_the_schedule_starts_what_a_dead_process_left(mortal: MortalPlatform) -> None:
    die_before_starting(mortal)
    assert Triggers(mortal, PROJECT).due(1.0) == []
    assert len(mortal.jobs.list()) == 1


def test_the_first_training_is_due_at_once(triggers: Triggers) -> None:
    assert [model for model, _ in triggers.due(0.0)] == ["delays"]


def test_the_schedule_counts_from_the_last_start(platform: Platform, triggers: Triggers) -> None:
    finish(platform, triggers.consider("delays", drift(1), now=0.0).job)
    assert triggers.due(30 * DAY - 1) == []
    ((model, reason),) = triggers.due(30 * DAY)
    decision = triggers.consider(model, reason, now=30 * DAY)
    assert decision.started
    assert decision.why == "schedule: due since 1970-01-31T00:00:00Z"
    assert triggers.due(30 * DAY + 1) == []


def test_a_model_without_a_schedule_is_never_due(platform: Platform) -> None:
    quiet = replace(MODEL, triggers=Rules(every=None))
    assert Triggers(platform, Project("air", (quiet,))).due(1e9) == []


def test_a_schedule_that_the_budget_refuses_comes_back_a_period_later(platform: Platform) -> None:
    rules = Rules(every=timedelta(days=10), cooldown=timedelta(0), budget=1, budget_period=timedelta(days=25))
    triggers = Triggers(platform, Project("air", (replace(MODEL, triggers=rules),)))
    seen: Sequence[bool] = []
    for day in range(40):
        for model, reason in triggers.due(day * DAY):
            decision = triggers.consider(model, reason, now=day * DAY)
            seen = [*seen, decision.started]
            if decision.started:
                finish(platform, decision.job)
    assert seen[0]
    starts = [entry.at / DAY for entry in triggers.ledger("delays") if entry.decision.started]
    assert starts == [30.0, 0.0]
    assert len(triggers.ledger("delays")) == 4
