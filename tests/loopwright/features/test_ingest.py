from pathlib import Path

import pytest

from loopwright.columns import moments
from loopwright.errors import InvalidInputError
from loopwright.features import checkpoints
from loopwright.features.ingest import ingest, push
from loopwright.features.materialize import Materialized, materialize
from loopwright.features.online import OnlineStore
from loopwright.serving.log import FEATURES_QUEUE, decode
from tests.loopwright.features.world import WEATHER, WEATHER_TYPES, platform_at, texts, weather

ROW: dict[str, object] = {
    "origin": "JFK",
    "event_time": "1970-01-01T00:00:10Z",
    "known": 20,
    "temp": 7,
    "sky": None,
    "gusts": 3,
    "rain": True,
    "sunrise": None,
}


def test_pushed_rows_are_queued_under_the_name_of_their_view(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path, 50)
    assert push(platform, WEATHER, [ROW, ROW]) == 2
    (message,) = platform.queue.receive(FEATURES_QUEUE)
    entry = decode(message.body)
    assert entry.table == "weather"
    assert entry.columns["temp"].tolist() == [7.0, 7.0]
    assert moments(entry.columns["known"]).tolist() == [20.0, 20.0]
    assert entry.types["gusts"] == "int"


def test_a_row_without_its_known_time_is_known_from_now(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path, 50)
    push(platform, WEATHER, [{name: value for name, value in ROW.items() if name != "known"}])
    (message,) = platform.queue.receive(FEATURES_QUEUE)
    assert moments(decode(message.body).columns["known"]).tolist() == [50.0]


@pytest.mark.parametrize("now", [1_795_000_000.000_000_7, 1_795_000_000.123_456_8, 1_795_000_000.999_999_7])
def test_what_is_known_from_this_very_moment_is_online(tmp_path: Path, now: float) -> None:
    platform, _ = platform_at(tmp_path, now)
    push(platform, WEATHER, [{**ROW, "event_time": now, "known": now}])
    assert OnlineStore(platform.table).read(WEATHER, {"origin": texts("JFK")}).columns["temp"].tolist() == [7.0]


def test_wrong_rows_are_refused_whole(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path, 50)
    with pytest.raises(InvalidInputError) as caught:
        push(platform, WEATHER, [ROW, {**ROW, "temp": "mild", "event_time": None}])
    assert len(caught.value.problems) == 2
    assert platform.queue.depth(FEATURES_QUEUE).ready == 0


def test_no_rows_send_nothing(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path, 50)
    assert push(platform, WEATHER, []) == 0
    assert platform.queue.depth(FEATURES_QUEUE).ready == 0


def test_what_is_ingested_is_online_and_in_the_lake_and_need_not_be_materialized(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path, 50)
    assert ingest(platform, WEATHER, weather(("JFK", 10, 20, 7.0)), transaction="one") == 1
    assert OnlineStore(platform.table).read(WEATHER, {"origin": texts("JFK")}).columns["temp"].tolist() == [7.0]
    assert platform.lake.read_columns("weather")["temp"].tolist() == [7.0]
    assert materialize(platform, WEATHER, now=50) == Materialized("weather", 0, 0, 0)


def test_a_repeated_ingestion_changes_nothing(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path, 50)
    rows = weather(("JFK", 10, 20, 7.0))
    assert [ingest(platform, WEATHER, rows, transaction="one") for _ in range(3)] == [1, 0, 0]
    assert len(platform.lake.read_columns("weather")["temp"]) == 1


def test_rows_that_are_not_known_yet_wait_for_a_later_materialization(tmp_path: Path) -> None:
    platform, clock = platform_at(tmp_path, 50)
    assert ingest(platform, WEATHER, weather(("JFK", 10, 60, 7.0)), transaction="one") == 0
    clock.set(60)
    assert materialize(platform, WEATHER, now=60) == Materialized("weather", 1, 1, 0)


def test_what_others_appended_in_between_is_left_for_materialization(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path, 50)
    platform.lake.append("weather", weather(("LGA", 10, 20, 3.0)), schema=WEATHER_TYPES)
    ingest(platform, WEATHER, weather(("JFK", 10, 20, 7.0)), transaction="one")
    assert checkpoints.load(platform.table, WEATHER).version == -1
    assert materialize(platform, WEATHER, now=50) == Materialized("weather", 2, 1, 1)
