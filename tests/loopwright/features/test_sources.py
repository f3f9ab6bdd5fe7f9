from pathlib import Path

import pytest

from loopwright.columns import times
from loopwright.definitions import Field
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.features.sources import check_columns, check_source
from tests.loopwright.features.world import WEATHER, WEATHER_TYPES, numbers, platform_at, texts, weather


def test_a_source_that_fits_is_fine_and_more_columns_do_not_matter(tmp_path: Path) -> None:
    lake = platform_at(tmp_path)[0].lake
    columns = {**weather(("JFK", 0, 0, 1)), "humidity": numbers(3)}
    lake.append("weather", columns, schema=WEATHER_TYPES)
    check_source(lake, WEATHER)


def test_integers_are_read_where_floats_are_wanted() -> None:
    check_columns((Field("distance"),), {"distance": "int"}, table="flights")


def test_a_change_of_the_source_names_table_column_wanted_got_and_what_to_do(tmp_path: Path) -> None:
    lake = platform_at(tmp_path)[0].lake
    lake.append("weather", {"origin": texts("JFK"), "event_time": times([0]), "temp": texts("mild")})
    with pytest.raises(InvalidInputError) as caught:
        check_source(lake, WEATHER)
    missing, changed, *_ = caught.value.problems
    assert missing == (
        "table 'weather': column 'known' is missing; wanted time, there are origin, event_time, temp: "
        "bring the column back, or change the definition and train again"
    )
    assert changed == (
        "table 'weather': column 'temp': wanted float, got string: "
        "convert it before it is appended, or change the definition and train again"
    )


def test_a_source_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="weather"):
        check_source(platform_at(tmp_path)[0].lake, WEATHER)
