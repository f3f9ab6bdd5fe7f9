import numpy as np
import pytest

from loopwright.columns import times
from loopwright.definitions import Field
from loopwright.errors import InvalidInputError
from loopwright.features.rules import check_rows, violations
from tests.loopwright.features.world import numbers, texts

DISTANCE = Field("distance", minimum=0.0, maximum=10.0)
ORIGIN = Field("origin", dtype="string", nullable=True, categories=("JFK",))


def test_a_number_is_null_infinite_or_out_of_range_and_a_null_is_neither_of_the_others() -> None:
    found = violations(DISTANCE, numbers(0, 10, -1, 11, np.nan, np.inf))
    assert found.null.tolist() == [False] * 4 + [True, False]
    assert found.infinite.tolist() == [False] * 5 + [True]
    assert found.out_of_range.tolist() == [False, False, True, True, False, True]
    assert found.counts() == {"null": 1, "infinite": 1, "out_of_range": 3, "unknown": 0}


def test_a_category_is_unknown_unless_it_is_null() -> None:
    found = violations(ORIGIN, texts("JFK", "", "LAX"))
    assert found.null.tolist() == [False, True, False]
    assert found.unknown.tolist() == [False, False, True]


def test_a_time_can_be_null_only() -> None:
    found = violations(Field("due", dtype="time"), times([1.0, 2.0]))
    assert not any(found.counts().values())


def test_a_training_set_is_counted_where_the_world_is_odd() -> None:
    counted = check_rows((DISTANCE, ORIGIN), {"distance": numbers(1, 99), "origin": texts("", "LAX")}, where="flights")
    assert counted["distance"]["out_of_range"] == 1
    assert counted["origin"] == {"null": 1, "infinite": 0, "out_of_range": 0, "unknown": 1}


def test_a_training_set_is_refused_where_hard_rules_break_and_every_problem_is_named() -> None:
    fields = (DISTANCE, ORIGIN, Field("speed"), Field("height"), Field("due", dtype="time"))
    columns = {
        "distance": numbers(np.nan, np.inf),
        "origin": texts("JFK"),
        "speed": texts("a", "b"),
        "due": times([1, 2]),
    }
    with pytest.raises(InvalidInputError, match="flights break the rules") as caught:
        check_rows(fields, columns, where="flights")
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "column 'distance' is null in 1 of 2 rows",
        "column 'distance' is infinite in 1 of 2 rows",
        "column 'origin' has 1 rows; the others have 2",
        "column 'speed' is object; wanted float (see loopwright.columns)",
        "column 'height' is missing",
    ]
