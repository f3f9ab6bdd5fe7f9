"""What a request sees, and that training sees the same."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.columns import Columns, times
from loopwright.definitions import FeatureView, Field, OnDemandTransformation
from loopwright.features.materialize import materialize
from loopwright.features.offline import training_columns
from loopwright.features.online import OnlineStore
from loopwright.features.serving import assemble
from tests.loopwright.features.world import (
    AIRPORT,
    CLIMATE,
    FEATURES,
    WEATHER,
    WEATHER_TYPES,
    model,
    numbers,
    platform_at,
    texts,
    weather,
)

HOUR = OnDemandTransformation(
    "calendar",
    ("event_time", "temp"),
    (Field("second"), Field("warm", dtype="bool")),
    lambda c: {"second": c["event_time"].astype("datetime64[s]").astype(float), "warm": c["temp"] > 5},
)
DELAYS = model(WEATHER, CLIMATE, transformations=(HOUR,))


def request(*origins: str) -> Columns:
    return {"origin": texts(*origins), "distance": np.arange(float(len(origins)))}


def test_a_request_gets_the_features_of_its_entities_and_their_ages(tmp_path: Path) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    store.write(WEATHER, weather(("JFK", 10, 12, 7.0), ("LGA", 20, 22, 2.0)))
    store.write(CLIMATE, {"origin": texts("JFK"), "event_time": times([0]), "normal_temp": numbers(3)})
    found = assemble(DELAYS, request("LGA", "JFK"), store, 60.0)
    assert list(found.columns) == [
        *("origin", "distance", "temp", "sky", "gusts", "rain", "sunrise", "normal_temp"),
        *("event_time", "second", "warm"),
    ]
    assert found.columns["temp"].tolist() == [2.0, 7.0]
    assert repr(found.columns["normal_temp"].tolist()) == "[nan, 3.0]"
    assert found.columns["second"].tolist() == [60.0, 60.0]
    assert found.columns["warm"].tolist() == [0.0, 1.0]
    assert found.ages["weather"].tolist() == [40.0, 50.0]
    assert repr(found.ages["climate"].tolist()) == "[nan, 60.0]"
    assert found.statuses["climate"].tolist() == ["NOT_FOUND", "PRESENT"]


def test_a_stale_row_is_null_and_its_age_is_told(tmp_path: Path) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    store.write(WEATHER, weather(("JFK", 10, 12, 7.0), ("LGA", 20, 22, 2.0)))
    found = assemble(DELAYS, request("JFK", "LGA"), store, 110.0)
    assert found.statuses["weather"].tolist() == ["OUTSIDE_MAX_AGE", "PRESENT"]
    assert found.ages["weather"].tolist() == [100.0, 90.0]
    assert np.isnan(found.columns["temp"]).tolist() == [True, False]
    assert found.columns["sky"].tolist() == ["", "sky 2"]
    assert np.isnat(found.columns["sunrise"]).tolist() == [True, False]


def test_no_rows_are_assembled_to_no_rows(tmp_path: Path) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    assert len(assemble(DELAYS, request(), store, 0.0).columns["warm"]) == 0


def history() -> st.SearchStrategy[list[tuple[str, int, int]]]:
    row = st.tuples(st.sampled_from(["JFK", "LGA"]), st.integers(0, 20), st.integers(0, 10))
    return st.lists(row, min_size=1, max_size=12, unique_by=lambda row: (row[0], row[1], row[1] + row[2]))


@settings(max_examples=12, deadline=None)
@given(
    appends=st.lists(history(), min_size=1, max_size=3),
    moments=st.lists(st.integers(0, 40), min_size=1, max_size=3, unique=True).map(sorted),
)
def test_training_sees_what_serving_saw(appends: list[list[tuple[str, int, int]]], moments: list[int]) -> None:
    view = FeatureView("weather", AIRPORT, FEATURES, known_time="known", ttl=timedelta(seconds=12))
    delays = model(view, transformations=(HOUR,))
    with TemporaryDirectory() as folder:
        platform, clock = platform_at(Path(folder))
        seen = set()
        for number, rows in enumerate(appends):
            fresh = [row for row in rows if row not in seen]
            seen.update(fresh)
            known = [
                (origin, event, event + delay, 100.0 * number + place)
                for place, (origin, event, delay) in enumerate(fresh)
            ]
            if known:
                platform.lake.append("weather", weather(*known), schema=WEATHER_TYPES)
        for moment in moments:
            clock.set(moment)
            materialize(platform, view, now=float(moment))
            rows = request("JFK", "LGA", "XXX", "")
            served = assemble(delays, rows, OnlineStore(platform.table), float(moment)).columns
            trained = training_columns(platform.lake, delays, {**rows, "event_time": times([moment] * 4)})
            assert {name: repr(column.tolist()) for name, column in served.items()} == {
                name: repr(column.tolist()) for name, column in trained.items()
            }
