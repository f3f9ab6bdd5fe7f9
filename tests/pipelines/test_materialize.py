from pathlib import Path

from loopwright.columns import times
from loopwright.definitions import Project
from loopwright.features.materialize import Materialized
from pipelines.materialize import materialize_and_maintain, materialize_views
from tests.loopwright.features.world import CLIMATE, WEATHER, WEATHER_TYPES, model, numbers, platform_at, texts, weather

PROJECT = Project("airports", (model(WEATHER, CLIMATE),))


def test_every_view_is_brought_online_and_every_table_put_in_order(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path, 50)
    platform.lake.append("weather", weather(("JFK", 1, 1, 1.0)), schema=WEATHER_TYPES)
    platform.lake.append("climate", {"origin": texts("JFK"), "event_time": times([0]), "normal_temp": numbers(3)})
    flow = materialize_and_maintain(platform, PROJECT, at=50)
    assert flow.views == (Materialized("weather", 1, 1, 0), Materialized("climate", 1, 1, 0))
    assert list(flow.tables) == ["climate", "weather"]


def test_views_whose_source_is_not_there_yet_do_no_harm(tmp_path: Path) -> None:
    platform, _ = platform_at(tmp_path, 50)
    assert materialize_views(platform, PROJECT, at=50) == (Materialized("weather"), Materialized("climate"))
