import threading
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import open_platform
from loopwright.columns import times
from loopwright.definitions import Entity, FeatureView, Field
from loopwright.features.online import OnlineStore
from loopwright.features.packing import Layout, sort_keys
from loopwright.settings import Settings
from tests.loopwright.features.world import AIRPORT, CLIMATE, WEATHER, numbers, platform_at, texts, weather

PLACE = Entity("place", (Field("country", dtype="string"), Field("number", dtype="int")))


def test_rows_are_read_as_they_were_written_and_in_the_order_of_the_keys(tmp_path: Path) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    rows = weather(("JFK", 10, 12, 1.5), ("LGA", 20, 22, -2.5))
    assert store.write(WEATHER, rows) == 2
    found = store.read(WEATHER, {"origin": texts("LGA", "JFK", "LGA")})
    assert found.event_times.tolist() == [20.0, 10.0, 20.0]
    assert found.statuses.tolist() == ["PRESENT"] * 3
    assert list(found.columns) == list(WEATHER.feature_names)
    for name, column in found.columns.items():
        assert column.dtype == rows[name].dtype
        assert column.tolist() == rows[name][[1, 0, 1]].tolist()


def test_nulls_survive(tmp_path: Path) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    nothing = {"sky": texts(""), "gusts": numbers(np.nan), "sunrise": np.array(["NaT"], dtype="datetime64[us]")}
    store.write(WEATHER, {**weather(("JFK", 10, 12, 1.5)), **nothing})
    found = store.read(WEATHER, {"origin": texts("JFK")}).columns
    assert found["sky"].tolist() == [""]
    assert np.isnan(found["gusts"]).all()
    assert np.isnat(found["sunrise"]).all()


def test_unknown_and_null_keys_are_not_found_and_their_features_null(tmp_path: Path) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    store.write(WEATHER, weather(("JFK", 10, 12, 1.5), ("", 10, 12, 1.5)))
    found = store.read(WEATHER, {"origin": texts("JFK", "", "XXX")})
    assert found.statuses.tolist() == ["PRESENT", "NOT_FOUND", "NOT_FOUND"]
    assert np.isnan(found.event_times).tolist() == [False, True, True]
    assert np.isnan(found.columns["temp"]).tolist() == [False, True, True]
    assert found.columns["sky"].tolist() == ["sky 1.5", "", ""]


def test_no_keys_are_no_rows(tmp_path: Path) -> None:
    found = OnlineStore(platform_at(tmp_path)[0].table).read(WEATHER, {"origin": texts()})
    assert len(found.event_times) == len(found.statuses) == len(found.columns["sky"]) == 0


@pytest.mark.parametrize("second", [("JFK", 9, 99, 2.0), ("JFK", 10, 11, 2.0), ("JFK", 10, 12, 2.0)])
def test_an_older_or_equal_row_never_replaces_what_is_there(
    tmp_path: Path, second: tuple[str, int, int, float]
) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    store.write(WEATHER, weather(("JFK", 10, 12, 1.0)))
    assert store.write(WEATHER, weather(second)) == 0
    assert store.read(WEATHER, {"origin": texts("JFK")}).columns["temp"].tolist() == [1.0]


@pytest.mark.parametrize("second", [("JFK", 11, 11, 2.0), ("JFK", 10, 13, 2.0)])
def test_a_newer_event_or_a_correction_replaces_it(tmp_path: Path, second: tuple[str, int, int, float]) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    store.write(WEATHER, weather(("JFK", 10, 12, 1.0)))
    assert store.write(WEATHER, weather(second)) == 1
    assert store.read(WEATHER, {"origin": texts("JFK")}).columns["temp"].tolist() == [2.0]


def test_of_many_rows_for_an_entity_the_newest_is_written_whatever_their_order(tmp_path: Path) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    assert store.write(WEATHER, weather(("JFK", 3, 9, 3.0), ("JFK", 5, 5, 5.0), ("JFK", 4, 9, 4.0))) == 1
    assert store.read(WEATHER, {"origin": texts("JFK")}).columns["temp"].tolist() == [5.0]


def test_hundreds_of_entities_are_written_and_read(tmp_path: Path) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    origins = texts(*(f"A{number}" for number in range(450)))
    rows = {"origin": origins, "event_time": times(np.zeros(450)), "normal_temp": np.arange(450.0)}
    assert store.write(CLIMATE, rows) == 450
    assert store.read(CLIMATE, {"origin": origins}).columns["normal_temp"].tolist() == list(range(450))


def test_writers_in_a_race_leave_the_newest_row(tmp_path: Path) -> None:
    platform = platform_at(tmp_path)[0]

    def write(turn: int) -> None:
        for step in range(20):
            moment = float(step * 4 + turn)
            OnlineStore(platform.table).write(CLIMATE, {**climate(moment, 30), "event_time": times([moment] * 30)})

    writers = [threading.Thread(target=write, args=(turn,)) for turn in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = OnlineStore(platform.table).read(CLIMATE, climate(0, 30))
    assert found.columns["normal_temp"].tolist() == [79.0] * 30


def climate(temp: float, count: int) -> dict[str, np.ndarray]:
    return {"origin": texts(*(f"A{number}" for number in range(count))), "normal_temp": np.full(count, temp)}


def test_a_row_of_an_earlier_definition_is_not_misread_and_is_replaced(tmp_path: Path) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    before = FeatureView("climate", AIRPORT, (Field("normal_humidity"),))
    store.write(before, {"origin": texts("JFK"), "event_time": times([50]), "normal_humidity": numbers(0.5)})
    assert store.read(CLIMATE, {"origin": texts("JFK")}).statuses.tolist() == ["NOT_FOUND"]
    store.write(CLIMATE, {"origin": texts("JFK"), "event_time": times([10]), "normal_temp": numbers(20)})
    assert store.read(CLIMATE, {"origin": texts("JFK")}).columns["normal_temp"].tolist() == [20.0]


def test_a_row_is_kept_for_twice_its_ttl(tmp_path: Path) -> None:
    platform, clock = platform_at(tmp_path)
    store = OnlineStore(platform.table)
    store.write(WEATHER, weather(("JFK", 10, 12, 1.0)))
    clock.set(209)
    assert store.read(WEATHER, {"origin": texts("JFK")}).statuses.tolist() == ["PRESENT"]
    clock.set(211)
    assert store.read(WEATHER, {"origin": texts("JFK")}).statuses.tolist() == ["NOT_FOUND"]


def test_rows_without_a_time_belong_to_no_moment(tmp_path: Path) -> None:
    store = OnlineStore(platform_at(tmp_path)[0].table)
    rows = {**weather(("JFK", 10, 12, 1.0)), "known": np.array(["NaT"], dtype="datetime64[us]")}
    assert store.write(WEATHER, rows) == 0


@given(st.lists(st.tuples(st.text(max_size=200), st.none() | st.integers(-(2**53) + 1, 2**53 - 1)), max_size=20))
def test_other_entities_have_other_places_and_every_place_is_allowed(keys: list[tuple[str, int | None]]) -> None:
    columns = {
        "country": texts(*(country for country, _ in keys)),
        "number": numbers(*(np.nan if number is None else number for _, number in keys)),
    }
    sorts = sort_keys(PLACE, columns)
    places = [(key, sort) for key, sort in zip(keys, sorts, strict=True) if sort is not None]
    assert len({key for key, _ in places}) == len({sort for _, sort in places})
    assert [sort is None for sort in sorts] == [country == "" or number is None for country, number in keys]
    for _, sort in places:
        assert len(sort.encode()) <= 512
        assert sort.isprintable()


def test_keys_of_several_parts_and_of_integers_are_found() -> None:
    store = OnlineStore(open_platform(Settings(provider="memory")).table)
    view = FeatureView("places", PLACE, (Field("height"),), ttl=timedelta(days=99_999))
    keys = {"country": texts("NL", "NL", "N"), "number": numbers(1, 11, 1)}
    store.write(view, {**keys, "event_time": times([0, 0, 0]), "height": numbers(1, 2, 3)})
    assert store.read(view, keys).columns["height"].tolist() == [1.0, 2.0, 3.0]


def test_the_layout_depends_on_names_and_types_alone() -> None:
    described = FeatureView("climate", AIRPORT, (Field("normal_temp", maximum=50, description="°F"),))
    other = FeatureView("climate", AIRPORT, (Field("normal_temp", dtype="int"),))
    assert Layout(described).digest == Layout(CLIMATE).digest != Layout(other).digest
