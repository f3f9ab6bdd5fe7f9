"""Columns: nulls, moments, and the few operations that everything else uses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.columns import concat, empty, length, moments, take, times


def test_every_type_has_its_null() -> None:
    assert np.isnan(empty("float", 2)).all()
    assert np.isnan(empty("int", 2)).all()
    assert np.isnan(empty("bool", 2)).all()
    assert list(empty("string", 2)) == ["", ""]
    assert np.isnat(empty("time", 2)).all()


def test_no_columns_have_no_rows() -> None:
    assert length({}) == 0
    assert concat([]) == {}


def test_rows_are_taken_from_every_column_alike() -> None:
    columns = {"a": np.array([1.0, 2.0, 3.0]), "b": np.array(["x", "y", "z"], dtype=object)}
    taken = take(columns, np.array([True, False, True]))
    assert list(taken["a"]) == [1.0, 3.0]
    assert list(taken["b"]) == ["x", "z"]
    assert length(concat([columns, taken])) == 5


@given(st.lists(st.integers(min_value=-(2**40), max_value=2**50), max_size=20))
def test_moments_survive_as_a_time_column(microseconds: list[int]) -> None:
    seconds = [one / 1e6 for one in microseconds]
    assert moments(times(seconds)) == pytest.approx(seconds, abs=1e-6)


def test_no_time_is_no_moment() -> None:
    assert np.isnan(moments(np.array(["NaT"], dtype="datetime64[us]"))).all()
