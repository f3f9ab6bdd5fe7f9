from pathlib import Path

import pytest

from adapters import open_platform
from adapters.cloudevents import encode
from functions.worker.duties import HEARTBEAT, Duties, EndedWindow
from functions.worker.loop import BUSY, LINGER, Worker
from functions.worker.occasions import Occasions
from loopwright.clock import ReplayClock, parse_time
from loopwright.errors import UnavailableError
from loopwright.ports import Platform
from loopwright.ports.events import Event
from loopwright.serving.predictor import Predictor
from loopwright.settings import Settings
from loopwright.triggers.service import Triggers
from tests.airport import world
from tests.airport.faults import Faulty, FullLake, Switch

START = parse_time("2013-03-01T12:00:00Z")
HOUR = 3_600.0
DAY = 86_400.0


class Ticks:
    """Real time, which moves when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(tmp_path: Path) -> ReplayClock:
    clock = ReplayClock(tmp_path / "clock")
    clock.set(START)
    return clock


@pytest.fixture
def platform(tmp_path: Path, clock: ReplayClock) -> Platform:
    """A world in memory that lives by the replayed clock, with a champion."""
    platform = open_platform(Settings(provider="memory", clock_file=tmp_path / "clock"))
    world.report_weather(platform)
    world.crown(platform, world.register(platform))
    return platform


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def worker(platform: Platform, ticks: Ticks) -> Worker:
    return Worker(platform, world.project(), refresh=lambda: None, timer=ticks)


def heartbeat(platform: Platform) -> float | None:
    item = platform.table.get(HEARTBEAT)
    return None if item is None else item.value["at"]


def predict(platform: Platform, count: int = 3) -> None:
    Predictor(platform, world.project()).predict("delays", world.rows(count))


def logged(platform: Platform) -> int:
    table = "predictions/delays"
    return 0 if platform.lake.version(table) is None else len(platform.lake.read_columns(table)["arm"])


def monitored(platform: Platform) -> float | None:
    return Occasions(platform.table)._last("monitor/delays")


def test_a_sweep_lands_what_was_logged_and_says_so(platform: Platform, worker: Worker) -> None:
    predict(platform)
    assert heartbeat(platform) is None
    assert worker.sweep_if_due()
    assert logged(platform) == 3
    assert heartbeat(platform) == START


def test_between_sweeps_messages_gather(platform: Platform, worker: Worker, ticks: Ticks) -> None:
    worker.sweep_if_due()
    predict(platform)
    ticks.now += LINGER / 2
    assert not worker.sweep_if_due()
    ticks.now += LINGER
    assert worker.sweep_if_due()
    assert logged(platform) == 3


def test_the_end_of_a_window_starts_a_sweep_at_once(
    platform: Platform, clock: ReplayClock, worker: Worker, ticks: Ticks
) -> None:
    worker.sweep_if_due()
    predict(platform)
    clock.set(START + 12 * HOUR)  # midnight
    ticks.now += 0.01
    assert worker.sweep_if_due()
    assert heartbeat(platform) == START + 12 * HOUR
    assert monitored(platform) == START + 12 * HOUR
    assert not worker.sweep_if_due()


def test_windows_that_were_slept_through_are_made_up_for_by_one_run(
    platform: Platform, clock: ReplayClock, worker: Worker
) -> None:
    worker.sweep_if_due()
    clock.set(START + 40 * DAY)
    assert worker.sweep_if_due()
    assert monitored(platform) == START + 40 * DAY - 12 * HOUR


def test_a_worker_that_starts_again_does_not_repeat_an_occasion(
    platform: Platform, worker: Worker, ticks: Ticks
) -> None:
    worker.sweep_if_due()
    again = Duties(platform, world.project(), lease=30, timer=ticks)
    assert again.ended_windows(START + HOUR) == []
    assert again.ended_windows(START + DAY) == [EndedWindow("delays", START + 12 * HOUR)]


def test_a_duty_that_fails_holds_the_heartbeat_until_it_goes_well(
    platform: Platform, clock: ReplayClock, ticks: Ticks
) -> None:
    switch = Switch()
    switch.broken = False
    faulty = Faulty(platform, lake=FullLake(platform.lake, switch))
    worker = Worker(faulty, world.project(), refresh=lambda: None, timer=ticks)
    worker.sweep_if_due()
    predict(platform)
    switch.broken = True
    clock.set(START + HOUR)
    for _ in range(3):
        ticks.now += 0.4
        worker.sweep_if_due()
    assert heartbeat(platform) == START
    switch.broken = False
    clock.set(START + 2 * HOUR)
    ticks.now += 60
    worker.sweep_if_due()
    assert heartbeat(platform) == START + 2 * HOUR


def test_an_alert_starts_a_retraining_and_the_heartbeat_waits_for_its_end(
    platform: Platform, clock: ReplayClock, worker: Worker, ticks: Ticks
) -> None:
    worker.sweep_if_due()
    event = Event("one", "loopwright/airport", "loopwright.drift.detected", START, "delays", {"detail": "wind"})
    platform.queue.send("triggers", [encode(event), b"not an event"])
    clock.set(START + HOUR)
    ticks.now += 2
    worker.sweep_if_due()
    (entry,) = Triggers(platform, world.project()).ledger("delays")
    assert entry.reason.kind == "drift"
    assert heartbeat(platform) == START
    platform.jobs.finish(entry.decision.job, "succeeded", "")
    ticks.now += BUSY
    assert worker.sweep_if_due()
    assert heartbeat(platform) == START + HOUR
    ticks.now += BUSY
    assert not worker.sweep_if_due()


def test_what_was_promoted_is_served_when_the_heartbeat_says_so(platform: Platform, ticks: Ticks) -> None:
    predictor = Predictor(platform, world.project(), refresh=1e9)
    predictor.predict("delays", world.rows(1))
    worker = Worker(platform, world.project(), refresh=lambda: predictor.refresh("delays"), timer=ticks)
    second = world.register(platform, level=0.25)
    world.crown(platform, second)
    worker.sweep_if_due()
    assert heartbeat(platform) == START
    assert predictor.predict("delays", world.rows(1)).version == second


def test_a_lake_that_is_full_holds_the_heartbeat_and_loses_nothing(
    platform: Platform, clock: ReplayClock, ticks: Ticks, capsys: pytest.CaptureFixture[str]
) -> None:
    switch = Switch()
    faulty = Faulty(platform, lake=FullLake(platform.lake, switch))
    worker = Worker(faulty, world.project(), refresh=lambda: None, timer=ticks)
    predict(platform)
    for _ in range(40):  # more often than a message may be delivered
        ticks.now += 70
        clock.set(clock() + 70)
        worker.sweep_if_due()
    assert heartbeat(platform) is None
    depth = platform.queue.depth("predictions")
    assert depth.ready + depth.in_flight + depth.dead == 1
    assert '"error":"UnavailableError: the disk is full"' in capsys.readouterr().err
    switch.broken = False
    for _ in range(3):
        ticks.now += 70
        clock.set(clock() + 70)
        predict(platform, 1)
        worker.sweep_if_due()
    assert logged(platform) == 6
    assert heartbeat(platform) == clock()


def test_a_duty_that_fails_rests_longer_each_time_and_holds_no_other_up(
    platform: Platform, worker: Worker, ticks: Ticks, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise UnavailableError("not now")

    tried = 0
    for _ in range(100):
        ticks.now += 0.1
        before = len(capsys.readouterr().err)
        worker._attempts.to("a duty", fail)
        tried += len(capsys.readouterr().err) > 0 or before > 0
    assert tried == 5  # at 0.1, 0.6, 1.6, 3.6 and 7.6 seconds
    assert worker.sweep_if_due()
    platform.telemetry.flush()
    counted = {one.name: one.total for one in platform.telemetry.read()}
    assert counted["worker_failures"] == 5


def test_the_lake_is_put_in_order_after_a_night_but_not_more_than_once_a_minute(
    platform: Platform, worker: Worker, clock: ReplayClock, ticks: Ticks
) -> None:
    midnights = []
    for day in range(4):
        clock.set(START + day * DAY)
        ticks.now += 25
        worker.sweep_if_due()
        midnights.append((Occasions(platform.table)._last("housekeeping") - START + 12 * HOUR) / DAY)
        assert heartbeat(platform) == clock()
    assert midnights == [0, 1, 1, 1]
    ticks.now += 25
    worker.sweep_if_due()
    assert Occasions(platform.table).ended("housekeeping", DAY, clock()) is None
