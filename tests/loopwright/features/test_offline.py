from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters import open_platform
from loopwright.columns import Columns, times
from loopwright.definitions import FeatureView, Field, OnDemandTransformation
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.features.offline import features_at, training_columns
from loopwright.ports.lake import Selection
from loopwright.settings import Settings
from tests.loopwright.features.world import (
    AIRPORT,
    CLIMATE,
    WEATHER,
    WEATHER_TYPES,
    model,
    numbers,
    platform_at,
    texts,
    weather,
)


def observed(*rows: tuple[str, float]) -> Columns:
    origins, moments = zip(*rows, strict=True)
    return {"origin": texts(*origins), "event_time": times(moments), "distance": np.arange(float(len(rows)))}


def test_a_row_counts_from_when_it_was_known_until_its_ttl_has_passed(tmp_path: Path) -> None:
    lake = platform_at(tmp_path)[0].lake
    lake.append("weather", weather(("JFK", 0, 10, 1.0)), schema=WEATHER_TYPES)
    moments = (9.999999, 10, 99.999999, 100)
    found = features_at(lake, WEATHER, observed(*(("JFK", moment) for moment in moments)))
    assert np.isnan(found["temp"]).tolist() == [True, False, False, True]
    assert found["sky"].tolist() == ["", "sky 1", "sky 1", ""]
    assert np.isnan(found["gusts"]).tolist() == np.isnan(found["rain"]).tolist() == [True, False, False, True]
    assert np.isnat(found["sunrise"]).tolist() == [True, False, False, True]


def test_the_order_of_the_observations_is_kept_and_null_keys_have_nothing(tmp_path: Path) -> None:
    lake = platform_at(tmp_path)[0].lake
    lake.append("weather", weather(("JFK", 0, 0, 1.0), ("LGA", 0, 0, 2.0), ("", 0, 0, 3.0)), schema=WEATHER_TYPES)
    rows = observed(("LGA", 5), ("", 5), ("JFK", 6), ("LGA", 4), ("XXX", 4))
    assert features_at(lake, WEATHER, rows)["temp"].tolist()[:1] == [2.0]
    assert repr(features_at(lake, WEATHER, rows)["temp"].tolist()) == "[2.0, nan, 1.0, 2.0, nan]"


def test_a_late_row_about_an_earlier_moment_changes_nothing_once_a_newer_one_is_known(tmp_path: Path) -> None:
    lake = platform_at(tmp_path)[0].lake
    lake.append("weather", weather(("JFK", 20, 21, 2.0), ("JFK", 10, 30, 1.0)), schema=WEATHER_TYPES)
    assert features_at(lake, WEATHER, observed(("JFK", 25), ("JFK", 35)))["temp"].tolist() == [2.0, 2.0]


def test_a_correction_counts_from_when_it_was_known(tmp_path: Path) -> None:
    lake = platform_at(tmp_path)[0].lake
    lake.append("weather", weather(("JFK", 20, 21, 2.0), ("JFK", 20, 30, 9.0)), schema=WEATHER_TYPES)
    assert features_at(lake, WEATHER, observed(("JFK", 29), ("JFK", 30)))["temp"].tolist() == [2.0, 9.0]


def test_a_source_is_read_at_its_pinned_version(tmp_path: Path) -> None:
    lake = platform_at(tmp_path)[0].lake
    lake.append("weather", weather(("JFK", 20, 21, 2.0)), schema=WEATHER_TYPES)
    lake.append("weather", weather(("JFK", 22, 22, 9.0)))
    rows = observed(("JFK", 40))
    delays = model(WEATHER)
    assert training_columns(lake, delays, rows, versions={"weather": 0})["temp"].tolist() == [2.0]
    assert training_columns(lake, delays, rows)["temp"].tolist() == [9.0]


def test_views_and_transformations_join_the_observations_columns(tmp_path: Path) -> None:
    lake = platform_at(tmp_path)[0].lake
    lake.append("weather", weather(("JFK", 0, 0, 5.0)), schema=WEATHER_TYPES)
    lake.append("climate", {"origin": texts("JFK"), "event_time": times([0]), "normal_temp": numbers(3)})
    warmth = OnDemandTransformation(
        "warmth", ("temp", "normal_temp"), (Field("warmer"),), lambda c: {"warmer": c["temp"] - c["normal_temp"]}
    )
    columns = training_columns(lake, model(WEATHER, CLIMATE, transformations=(warmth,)), observed(("JFK", 50)))
    assert list(columns) == [
        *("origin", "event_time", "distance"),
        *("temp", "sky", "gusts", "rain", "sunrise"),
        *("normal_temp", "warmer"),
    ]
    assert columns["warmer"].tolist() == [2.0]


def test_observations_may_be_a_stream_of_the_lake(tmp_path: Path) -> None:
    lake = platform_at(tmp_path)[0].lake
    lake.append("climate", {"origin": texts("JFK"), "event_time": times([0]), "normal_temp": numbers(3)})
    rows = {**observed(("JFK", 50), ("", 60)), "seats": numbers(1, np.nan), "late": numbers(1, 0)}
    lake.append("flights", rows, schema={"seats": "int", "late": "bool"})
    columns = training_columns(lake, model(CLIMATE), lake.read("flights", Selection()))
    expected = training_columns(lake, model(CLIMATE), rows)
    assert {name: repr(column.tolist()) for name, column in columns.items()} == {
        name: repr(column.tolist()) for name, column in expected.items()
    }


def test_no_observations_are_no_rows(tmp_path: Path) -> None:
    lake = platform_at(tmp_path)[0].lake
    lake.append("weather", weather(("JFK", 0, 0, 5.0)), schema=WEATHER_TYPES)
    nothing = {"origin": texts(), "event_time": times([]), "distance": numbers()}
    assert len(training_columns(lake, model(WEATHER), nothing)["sunrise"]) == 0


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    lake = platform_at(tmp_path)[0].lake
    with pytest.raises(InvalidInputError, match="the observations have no column 'origin'; they have event_time"):
        training_columns(lake, model(WEATHER), {"event_time": times([0])})
    with pytest.raises(InvalidInputError, match="'event_time' wanted a time column, got float64"):
        training_columns(lake, model(WEATHER), {"event_time": numbers(0), "origin": texts("JFK")})
    with pytest.raises(NotFoundError, match="weather"):
        training_columns(lake, model(WEATHER), observed(("JFK", 0)))


@dataclass(frozen=True)
class Row:
    origin: str
    event: int
    known: int


def rows_of(*, late: bool) -> st.SearchStrategy[list[Row]]:
    one = st.builds(
        lambda origin, event, delay: Row(origin, event, event + delay * late),
        st.sampled_from(["JFK", "LGA", ""]),
        st.integers(0, 12),
        st.integers(0, 12),
    )
    return st.lists(one, min_size=1, max_size=25, unique=True)


def reference(rows: Sequence[Row], origin: str, moment: int, ttl: int | None) -> float:
    """The number of the row that counts, by the words of the definition; NaN for none."""
    visible = [
        (row.event, row.known, number)
        for number, row in enumerate(rows)
        if row.origin == origin != "" and row.known <= moment
    ]
    event, _, number = max(visible, default=(-1, -1, -1))
    return float("nan") if number < 0 or (ttl is not None and event <= moment - ttl) else float(number)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), late=st.booleans(), ttl=st.none() | st.integers(1, 10))
def test_the_join_agrees_with_the_definition_on_any_history(data: st.DataObject, late: bool, ttl: int | None) -> None:  # noqa: FBT001
    rows = data.draw(rows_of(late=late))
    asked = [(origin, moment) for origin in ("LGA", "JFK", "XXX", "") for moment in range(26, -2, -1)]
    view = FeatureView(
        "history",
        AIRPORT,
        (Field("number"),),
        known_time="known" if late else None,
        ttl=timedelta(seconds=ttl) if ttl else None,
    )
    lake = open_platform(Settings(provider="memory")).lake
    lake.append(
        "history",
        {
            "origin": texts(*(row.origin for row in rows)),
            "event_time": times([row.event for row in rows]),
            "known": times([row.known for row in rows]),
            "number": np.arange(float(len(rows))),
        },
    )
    found = features_at(lake, view, observed(*asked))["number"]
    expected = [reference(rows, origin, moment, ttl) for origin, moment in asked]
    assert repr(found.tolist()) == repr(expected)
