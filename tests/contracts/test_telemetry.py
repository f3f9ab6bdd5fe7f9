import pytest

from loopwright.clock import ReplayClock
from loopwright.errors import CapabilityError
from loopwright.ports import Platform
from loopwright.ports.telemetry import LATENCY_BOUNDS, Series, Telemetry
from loopwright.settings import Settings
from tests.contracts.racing import processes, threads
from tests.contracts.worlds import DAWN


@pytest.fixture
def telemetry(platform: Platform) -> Telemetry:
    if not platform.capabilities.telemetry_history:
        with pytest.raises(CapabilityError):
            platform.telemetry.read()
        pytest.skip("Capabilities.telemetry_history is false")
    return platform.telemetry


def test_nothing_is_there_before_it_is_flushed(telemetry: Telemetry) -> None:
    telemetry.count("requests")
    assert telemetry.read() == []
    telemetry.flush()
    assert [series.total for series in telemetry.read()] == [1.0]


def test_counters_sum_up_by_name_and_labels(telemetry: Telemetry) -> None:
    telemetry.count("requests", model="a", code="200")
    telemetry.count("requests", 2.5, code="200", model="a")
    telemetry.count("requests", model="b", code="200")
    telemetry.count("errors")
    telemetry.flush()
    empty = (0,) * (len(LATENCY_BOUNDS) + 1)
    assert list(telemetry.read()) == [
        Series("errors", {}, 0, 1.0, empty),
        Series("requests", {"code": "200", "model": "a"}, 0, 3.5, empty),
        Series("requests", {"code": "200", "model": "b"}, 0, 1.0, empty),
    ]


def test_a_histogram_counts_observations_up_to_each_bound(telemetry: Telemetry) -> None:
    for value in (0.1, 0.5, 0.6, 4_999.0, 5_000.0, 5_000.1):
        telemetry.observe("latency", value)
    telemetry.flush()
    (series,) = telemetry.read()
    assert series.count == 6
    assert series.total == pytest.approx(15_000.3)
    assert series.buckets == (2, 1, *[0] * 10, 2, 1)
    assert len(series.buckets) == len(LATENCY_BOUNDS) + 1


def test_flushes_add_up(telemetry: Telemetry) -> None:
    for _ in range(3):
        telemetry.observe("latency", 1.5)
        telemetry.flush()
    telemetry.flush()
    (series,) = telemetry.read()
    assert (series.count, series.total, series.buckets[2]) == (3, 4.5, 3)


def test_a_reader_chooses_minutes(telemetry: Telemetry, clock: ReplayClock) -> None:
    for minute in range(4):
        clock.set(DAWN + 60 * minute + 30)
        telemetry.count("requests", 10.0**minute)
        telemetry.flush()
    assert [series.total for series in telemetry.read()] == [1111.0]
    assert [series.total for series in telemetry.read(since=DAWN + 60)] == [1110.0]
    assert [series.total for series in telemetry.read(since=DAWN + 119, until=DAWN + 180)] == [110.0]
    assert telemetry.read(since=DAWN + 1_000) == []


def test_nothing_is_lost_in_a_race(telemetry: Telemetry) -> None:
    def act(number: int) -> None:
        for _ in range(200):
            telemetry.count("requests")
        telemetry.flush()

    threads(4, act)
    assert [series.total for series in telemetry.read()] == [800.0]


def test_processes_add_up(telemetry: Telemetry, durable: Platform, settings: Settings) -> None:
    processes(2, settings, count)
    assert [series.total for series in telemetry.read()] == [4.0]


def count(platform: Platform, number: int) -> None:
    platform.telemetry.count("requests")
    platform.telemetry.flush()
    platform.telemetry.count("requests")  # `close` writes it
