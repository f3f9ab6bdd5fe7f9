import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from loopwright.monitoring.bins import NUMERIC_BINS, Bins, category_bins, numeric_bins

finite = st.floats(-1e6, 1e6)
columns = st.lists(finite | st.just(float("nan")), max_size=60).map(np.array)


def test_quantile_bins_hold_equally_many() -> None:
    values = np.random.default_rng(0).normal(size=10_000)
    counts = numeric_bins(values).count(values)
    assert len(counts) == NUMERIC_BINS + 1
    assert set(counts[:-1].tolist()) <= {499, 500, 501}


def test_few_distinct_values_get_a_bin_each_and_strangers_show() -> None:
    values = np.array([0.0, 1.0, 2.0, 1.0] * 100)
    bins = numeric_bins(values)
    assert bins.count(values).tolist() == [0, 100, 200, 100, 0, 0]
    assert bins.count(np.array([-3.0, 3.0, 0.5])).tolist() == [1, 0, 1, 0, 1, 0]


def test_a_constant_is_told_from_what_is_below_and_above() -> None:
    bins = numeric_bins(np.full(50, 7.0))
    assert bins.count(np.array([6.9, 7.0, 7.1, np.nan])).tolist() == [1, 1, 1, 1]


def test_a_value_that_fills_several_quantiles_has_one_bin() -> None:
    values = np.concatenate([np.zeros(700), np.random.default_rng(0).uniform(1, 2, 300)])
    bins = numeric_bins(values)
    assert list(bins.edges) == sorted(set(bins.edges))
    assert bins.count(values)[0] == 700


def test_nulls_and_infinities_make_no_edges() -> None:
    values = np.array([np.nan, np.inf, -np.inf, *np.arange(100.0)])
    bins = numeric_bins(values)
    assert np.isfinite(bins.edges).all()
    assert bins.count(values)[-1] == 1


def test_a_column_of_nulls_has_one_bin_and_nothing_in_it() -> None:
    bins = numeric_bins(np.full(3, np.nan))
    assert bins.count(np.full(3, np.nan)).tolist() == [0, 3]


def test_the_commonest_texts_are_kept_and_the_rest_is_other() -> None:
    values = np.array(["b"] * 3 + ["a"] * 5 + ["c"] + [""] * 2, dtype=object)
    bins = category_bins(values, most=2)
    assert bins.categories == ("a", "b")
    assert bins.count(values).tolist() == [5, 3, 1, 2]


def test_declared_categories_come_first_whether_seen_or_not() -> None:
    bins = category_bins(np.array(["x", "y", "y"], dtype=object), first=("z", "x"))
    assert bins.categories == ("z", "x", "y")


@settings(max_examples=60, deadline=None)
@given(train=columns, live=columns)
def test_every_row_is_counted_once(train: NDArray[np.float64], live: NDArray[np.float64]) -> None:
    bins = numeric_bins(train.astype(np.float64))
    counts = bins.count(live.astype(np.float64))
    assert len(counts) == bins.size + 1
    assert counts.sum() == len(live)
    assert counts[-1] == np.isnan(live.astype(np.float64)).sum()


@settings(max_examples=60, deadline=None)
@given(edges=st.lists(finite, max_size=8, unique=True).map(sorted), value=finite)
def test_a_number_lies_above_the_edge_before_its_bin_and_not_above_its_own(edges: list[float], value: float) -> None:
    code = int(Bins("number", tuple(edges)).codes(np.array([value]))[0])
    assert code == 0 or edges[code - 1] < value
    assert code == len(edges) or value <= edges[code]


def test_many_numbers_fall_into_the_bins_that_each_falls_into_alone() -> None:
    values = np.random.default_rng(1).normal(size=50_000)
    values[::7] = np.nan
    values[::11] = np.inf
    values[1::11] = -np.inf
    bins = numeric_bins(values)
    values[: len(bins.edges)] = bins.edges
    alone = [bins.codes(values[first : first + 100]) for first in range(0, len(values), 100)]
    assert bins.codes(values).tolist() == np.concatenate(alone).tolist()
