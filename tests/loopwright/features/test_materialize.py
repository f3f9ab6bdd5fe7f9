from pathlib import Path

import numpy as np
import pytest

from adapters.memory.lake import MemoryLake
from adapters.memory.provider import MemoryPlatform
from loopwright.columns import times
from loopwright.definitions import FeatureView, Field
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.features import checkpoints
from loopwright.features.materialize import Materialized, materialize
from loopwright.features.online import OnlineStore
from loopwright.ports import Platform
from loopwright.ports.lake import ArrowStream
from loopwright.settings import Settings
from tests.loopwright.features.world import (
    AIRPORT,
    CLIMATE,
    WEATHER,
    WEATHER_TYPES,
    numbers,
    platform_at,
    texts,
    weather,
)


def temps(platform: Platform, *origins: str) -> str:
    return repr(OnlineStore(platform.table).read(WEATHER, {"origin": texts(*origins)}).columns["temp"].tolist())


def append(platform: Platform, *rows: tuple[str, float, float, float]) -> None:
    platform.lake.append("weather", weather(*rows), schema=WEATHER_TYPES)


def test_only_rows_that_are_new_since_the_checkpoint_are_read(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path)
    append(platform, ("JFK", 1, 1, 1.0), ("JFK", 2, 2, 2.0), ("LGA", 1, 1, 3.0))
    assert materialize(platform, WEATHER, now=10) == Materialized("weather", 3, 2, 0)
    assert materialize(platform, WEATHER, now=11) == Materialized("weather", 0, 0, 0)
    append(platform, ("JFK", 3, 3, 4.0))
    append(platform, ("LGA", 0, 5, 9.0))
    assert materialize(platform, WEATHER, now=12) == Materialized("weather", 2, 1, 2)
    assert temps(platform, "JFK", "LGA") == "[4.0, 3.0]"


def test_a_source_that_is_not_there_yet_has_no_rows(tmp_path: Path) -> None:
    assert materialize(platform_at(tmp_path)[0], WEATHER, now=10) == Materialized("weather")


def test_rows_wait_until_they_are_known(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path)
    append(platform, ("JFK", 1, 5, 1.0), ("JFK", 2, 20, 2.0), ("JFK", 3, 30, 3.0))
    for now, expected in ((4, "[nan]"), (5, "[1.0]"), (19, "[1.0]"), (20, "[2.0]"), (30, "[3.0]")):
        materialize(platform, WEATHER, now=now)
        assert temps(platform, "JFK") == expected
    assert checkpoints.load(platform.table, WEATHER).pending is None


def test_rows_that_wait_are_not_forgotten_when_others_are_appended(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path)
    append(platform, ("JFK", 1, 20, 1.0))
    materialize(platform, WEATHER, now=5)
    append(platform, ("LGA", 1, 30, 2.0), ("EWR", 1, 6, 3.0))
    materialize(platform, WEATHER, now=10)
    assert temps(platform, "JFK", "LGA", "EWR") == "[nan, nan, 3.0]"
    materialize(platform, WEATHER, now=25)
    assert temps(platform, "JFK", "LGA", "EWR") == "[1.0, nan, 3.0]"
    materialize(platform, WEATHER, now=35)
    assert temps(platform, "JFK", "LGA", "EWR") == "[1.0, 2.0, 3.0]"


def test_a_run_that_died_before_its_checkpoint_is_repeated_without_harm(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path)
    append(platform, ("JFK", 1, 1, 1.0))
    before = checkpoints.load(platform.table, WEATHER)
    OnlineStore(platform.table).write(WEATHER, weather(("JFK", 1, 1, 1.0)))
    assert checkpoints.load(platform.table, WEATHER) == before
    assert materialize(platform, WEATHER, now=10) == Materialized("weather", 1, 0, 0)


def test_of_two_runs_in_a_race_one_moves_the_checkpoint(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path)
    start = checkpoints.load(platform.table, WEATHER)
    assert checkpoints.advance(platform.table, WEATHER, start)
    assert not checkpoints.advance(platform.table, WEATHER, start)


def test_rows_without_key_or_time_belong_to_nobody(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path)
    rows = weather(("", 1, 1, 1.0), ("JFK", 1, 1, 2.0), ("LGA", 1, 1, 3.0))
    event_times = rows["event_time"].copy()
    event_times[1] = np.datetime64("NaT")
    platform.lake.append("weather", {**rows, "event_time": event_times}, schema=WEATHER_TYPES)
    assert materialize(platform, WEATHER, now=10).rows_written == 1
    assert temps(platform, "JFK", "LGA") == "[nan, 3.0]"


def test_a_view_whose_features_changed_is_written_again(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path)
    columns = {"origin": texts("JFK"), "event_time": times([1]), "normal_temp": numbers(3), "humidity": numbers(4)}
    platform.lake.append("climate", columns)
    assert materialize(platform, CLIMATE, now=10).rows_written == 1
    more = FeatureView("climate", AIRPORT, (*CLIMATE.features, Field("humidity")))
    assert materialize(platform, more, now=10) == Materialized("climate", 1, 1, 0)
    found = OnlineStore(platform.table).read(more, {"origin": texts("JFK")})
    assert found.columns["humidity"].tolist() == [4.0]


class ForgetfulLake(MemoryLake):
    """A lake whose earlier versions have expired."""

    def changes(self, *_: object, **__: object) -> ArrowStream:
        raise NotFoundError("version 0 has expired")


class ForgetfulPlatform(MemoryPlatform):
    lake = ForgetfulLake()


def test_when_the_versions_since_the_checkpoint_have_expired_everything_is_read(tmp_path: Path) -> None:
    (tmp_path / "clock").write_text("0")
    platform = ForgetfulPlatform(Settings(provider="memory", clock_file=tmp_path / "clock"))
    append(platform, ("JFK", 1, 1, 1.0))
    assert materialize(platform, WEATHER, now=10) == Materialized("weather", 1, 1, 0)
    append(platform, ("LGA", 1, 1, 2.0))
    assert materialize(platform, WEATHER, now=10) == Materialized("weather", 2, 1, 1)


def test_a_change_of_the_source_is_told_before_anything_is_written(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path)
    platform.lake.append("climate", {"origin": texts("JFK"), "event_time": times([1]), "normal": numbers(3)})
    with pytest.raises(InvalidInputError, match="column 'normal_temp' is missing"):
        materialize(platform, CLIMATE, now=10)
    assert checkpoints.load(platform.table, CLIMATE).version == -1
