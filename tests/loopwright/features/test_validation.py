import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.columns import Columns
from loopwright.definitions import Field
from loopwright.errors import InvalidInputError
from loopwright.features.problems import SHOWN
from loopwright.features.validation import RowParser, parse_rows

FIELDS = (
    Field("distance", minimum=0.0),
    Field("seats", dtype="int", nullable=True),
    Field("night", dtype="bool"),
    Field("origin", dtype="string", categories=("JFK", "LGA")),
    Field("tail", dtype="string", nullable=True),
    Field("due", dtype="time", nullable=True),
)

ROW: dict[str, object] = {
    "distance": 100.5,
    "seats": 180,
    "night": True,
    "origin": "JFK",
    "tail": "N1",
    "due": "2013-03-01T12:00:00Z",
}


def problems_of(*rows: object) -> tuple[str, ...]:
    with pytest.raises(InvalidInputError) as caught:
        parse_rows(FIELDS, rows)
    return caught.value.problems


def same(left: Columns, right: Columns) -> bool:
    return list(left) == list(right) and all(
        left[name].dtype == right[name].dtype and repr(left[name].tolist()) == repr(right[name].tolist())
        for name in left
    )


def test_a_row_becomes_columns_in_the_order_of_the_fields() -> None:
    columns = parse_rows(FIELDS, [dict(reversed(ROW.items()))])
    assert list(columns) == [field.name for field in FIELDS]
    assert columns["distance"].tolist() == [100.5]
    assert columns["seats"].tolist() == [180.0]
    assert columns["night"].tolist() == [1.0]
    assert columns["origin"].tolist() == ["JFK"]
    assert columns["due"].tolist() == [np.datetime64("2013-03-01T12:00:00", "us").item()]


def test_nulls_are_taken_where_the_field_is_nullable() -> None:
    columns = parse_rows(FIELDS, [{**ROW, "seats": None, "tail": None, "due": None}, ROW])
    assert math.isnan(columns["seats"][0])
    assert columns["seats"][1] == 180
    assert columns["tail"].tolist() == ["", "N1"]
    assert np.isnat(columns["due"]).tolist() == [True, False]


def test_no_rows_are_columns_of_no_length() -> None:
    columns = parse_rows(FIELDS, [])
    assert {name: len(column) for name, column in columns.items()} == dict.fromkeys(ROW, 0)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("distance", "100", "wanted a finite number, got a string '100'"),
        ("distance", True, "wanted a finite number, got true"),
        ("distance", math.nan, "wanted a finite number, got the number nan"),
        ("distance", -math.inf, "wanted a finite number, got the number -inf"),
        ("distance", 10**400, "wanted a finite number, got an integer of 1329 bits"),
        ("distance", None, "wanted a finite number, got null"),
        ("distance", [1.0], "wanted a finite number, got a list of 1"),
        ("seats", 1.5, "wanted a whole number within ±(2**53 - 1), got the number 1.5"),
        ("seats", 2**53, "wanted a whole number within ±(2**53 - 1), got the number 9007199254740992"),
        ("seats", False, "wanted a whole number within ±(2**53 - 1), got false"),
        ("night", 1, "wanted true or false, got the number 1"),
        ("night", "true", "wanted true or false, got a string 'true'"),
        ("origin", 7, "wanted a string, got the number 7"),
        ("origin", "", "wanted a string, got an empty string, which counts as null"),
        ("origin", "\ud800", "wanted a string, got a string '\\ud800'"),
        ("due", "tomorrow", "got a string 'tomorrow'"),
        ("due", True, "got true"),
        ("due", 1e300, "got the number 1e+300"),
        ("due", {"at": 1}, "got an object of 1 fields"),
    ],
)
def test_a_wrong_value_is_named_with_row_field_and_what_was_wanted(field: str, value: object, told: str) -> None:
    (problem,) = problems_of(ROW, {**ROW, field: value})
    assert problem.startswith(f"row 1: field '{field}': ")
    assert problem.endswith(told)


def test_integers_pass_for_floats_and_floats_without_fraction_for_integers() -> None:
    columns = parse_rows(FIELDS, [{**ROW, "distance": 100, "seats": 180.0}])
    assert columns["distance"].tolist() == [100.0]
    assert columns["seats"].tolist() == [180.0]


def test_numbers_so_large_that_their_sum_overflows_are_numbers_all_the_same() -> None:
    assert parse_rows(FIELDS, [{**ROW, "distance": 1.7e308}] * 3)["distance"].tolist() == [1.7e308] * 3


def test_out_of_range_and_unknown_categories_are_served() -> None:
    columns = parse_rows(FIELDS, [{**ROW, "distance": -5.0, "origin": "XXX"}])
    assert columns["distance"].tolist() == [-5.0]
    assert columns["origin"].tolist() == ["XXX"]


def test_a_time_may_be_text_with_an_offset_or_seconds() -> None:
    columns = parse_rows(
        FIELDS, [{**ROW, "due": due} for due in ("2013-03-01T14:00:00+02:00", 1362139200, "2013-03-01")]
    )
    assert columns["due"].tolist()[0] == columns["due"].tolist()[1] == np.datetime64("2013-03-01T12:00", "us").item()


def test_all_problems_of_all_rows_come_together() -> None:
    missing = {name: value for name, value in ROW.items() if name not in {"distance", "tail"}}
    problems = problems_of({**missing, "speed": 3}, [1, 2], {**ROW, "night": 0, "origin": None})
    assert problems == (
        "row 0: field 'distance' is missing",
        "row 0: field 'tail' is missing; send null if it has no value",
        "row 0: field 'speed' is unknown; known are distance, seats, night, origin, tail, due",
        "row 1: wanted an object of 6 fields, got a list of 2",
        "row 2: field 'night': wanted true or false, got the number 0",
        "row 2: field 'origin': wanted a string, got null",
    )


def test_of_very_many_problems_the_first_are_told_and_the_others_counted() -> None:
    problems = problems_of(*[{**ROW, "distance": None}] * 5_000)
    assert len(problems) == SHOWN + 1
    assert problems[-1] == f"and {5_000 - SHOWN:,} more"


def test_a_wrong_row_among_many_spoils_the_batch_and_is_found() -> None:
    rows = [ROW] * 10_000
    rows[7_654] = {**ROW, "seats": "many"}
    (problem,) = problems_of(*rows)
    assert problem.startswith("row 7654: field 'seats'")


VALUES = {
    "float": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**20), 10**20),
    "int": st.integers(-(2**53) + 1, 2**53 - 1),
    "bool": st.booleans(),
    "string": st.text(min_size=1, max_size=5).filter(lambda text: text.isprintable()),
    "time": st.integers(0, 10**9),
}


@given(data=st.data(), count=st.integers(0, 4))
def test_many_rows_read_as_each_of_them_alone(data: st.DataObject, count: int) -> None:
    row = st.fixed_dictionaries(
        {field.name: VALUES[field.dtype] | st.none() if field.nullable else VALUES[field.dtype] for field in FIELDS}
    )
    rows = data.draw(st.lists(row, min_size=count, max_size=count))
    parser = RowParser(FIELDS)
    together = parser.parse(rows)
    for index, one in enumerate(rows):
        alone = parser.parse([one])
        assert same(alone, {name: column[index : index + 1] for name, column in together.items()})
