"""The same loop of windows, late labels and alerts on files, SQLite and Delta Lake, as in memory."""

from pathlib import Path

import numpy as np
import pytest

from adapters import open_platform
from loopwright.columns import concat, take
from loopwright.monitoring import MonitorReport, WindowResult
from loopwright.settings import Settings
from tests.loopwright.monitoring.world import DAY, START, World, day, profile_of, rows_at, truth_of


def live(world: World) -> tuple[list[WindowResult], list[str]]:
    """Live through some days with repeats, late labels, a shadow and a drift; return windows and alerts."""
    world.promote(profile_of())
    raised: list[str] = []
    for number in range(4):
        rows = rows_at(day(number, 120), seed=number + 1, shift=4.0 * number)
        world.log(rows)
        world.log(concat([take(rows, slice(0, 20)), rows_at(day(number, 30), seed=number + 50, arm="shadow")]))
        ids = rows["prediction_id"].astype(object)
        world.label(ids[:60], truth_of(rows)[:60], at=START + (number + 1) * DAY)
        raised += [alert.kind for alert in world.run(now=START + (number + 1) * DAY).raised]
        world.label(ids[50:], truth_of(rows)[50:], at=START + (number + 2) * DAY)
    world.platform.lake.maintain("predictions/delays", keep_seconds=0.0)
    world.log(rows_at(day(1, 10), seed=90))
    raised += [alert.kind for alert in world.run(now=START + 5 * DAY).raised]
    return world.monitor.history("delays").windows(), raised


def test_windows_and_alerts_are_the_same_on_disk_as_in_memory(tmp_path: Path) -> None:
    platform = open_platform(Settings(home=tmp_path))
    on_disk, told = live(World(platform))
    in_memory, wanted = live(World())
    assert told == wanted
    assert "drift" in wanted
    assert [(one.start, one.arm, one.rows) for one in on_disk] == [(one.start, one.arm, one.rows) for one in in_memory]
    for one, other in zip(on_disk, in_memory, strict=True):
        assert (one.quality, one.drift, one.latency, one.ages) == (
            other.quality,
            other.drift,
            other.latency,
            other.ages,
        )
        assert (one.performance is None) == (other.performance is None)
        if one.performance and other.performance and one.performance.value is not None:
            assert one.performance.value == pytest.approx(other.performance.value)
            assert np.isclose(one.performance.coverage, other.performance.coverage)
    platform.close()


def forgetful(world: World, *, forget: bool) -> tuple[list[MonitorReport], list[WindowResult]]:
    """Live through days between which the lake forgets versions that the monitor has not come to."""
    world.promote(profile_of())
    reports: list[MonitorReport] = []
    for number in range(3):
        for part in range(2):
            rows = rows_at(day(number + part, 100), seed=10 * number + part)
            world.log(concat([rows, take(rows, slice(0, 10))]))
            world.label(rows["prediction_id"].astype(object), truth_of(rows), at=START + (number + 1) * DAY)
        if forget and number == 1:
            for table in world.platform.lake.tables():
                world.platform.lake.maintain(table, keep_seconds=0.0)
        reports.append(world.run(now=START + (number + 2) * DAY))
    return reports, world.monitor.history("delays").windows()


def test_a_monitor_that_finds_its_versions_expired_counts_everything_anew(tmp_path: Path) -> None:
    platform = open_platform(Settings(home=tmp_path))
    reports, windows = forgetful(World(platform, chunk=1), forget=True)
    wanted, expected = forgetful(World(), forget=False)
    assert [report.anew for report in reports] == [False, True, False]
    assert [report.rows for report in reports] == [200, 400, 200]
    assert [report.rows for report in wanted] == [200, 200, 200]
    assert [(one.start, one.rows, one.drift) for one in windows] == [
        (one.start, one.rows, one.drift) for one in expected
    ]
    measured = [one.performance.labels if one.performance else None for one in windows]
    assert measured == [one.performance.labels if one.performance else None for one in expected]
    platform.telemetry.flush()
    assert "monitor_counted_anew" in {series.name for series in platform.telemetry.read()}
    platform.close()
