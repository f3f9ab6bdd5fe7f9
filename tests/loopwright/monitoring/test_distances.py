import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from loopwright.monitoring import distances
from loopwright.monitoring.bins import numeric_bins

Counts = NDArray[np.int64]

pairs = (
    st.integers(2, 25)
    .flatmap(
        lambda size: st.tuples(*[st.lists(st.integers(0, 10_000), min_size=size, max_size=size).map(np.array)] * 2)
    )
    .filter(lambda pair: pair[0].sum() > 0 and pair[1].sum() > 0)
)

MEASURES = (distances.psi, distances.kl, distances.js, distances.ks, distances.total_variation)


@given(pair=pairs)
@settings(max_examples=50, deadline=None)
def test_distances_are_zero_for_equal_counts_and_never_negative(pair: tuple[Counts, Counts]) -> None:
    first, second = pair
    for measure in MEASURES:
        assert float(measure(first, first)) == pytest.approx(0.0, abs=1e-7)
        assert float(measure(first, second)) >= -1e-12


@given(pair=pairs)
@settings(max_examples=50, deadline=None)
def test_all_but_kl_are_symmetric(pair: tuple[Counts, Counts]) -> None:
    first, second = pair
    for measure in (distances.psi, distances.js, distances.ks, distances.total_variation):
        assert float(measure(first, second)) == pytest.approx(float(measure(second, first)), abs=1e-12)


@given(pair=pairs)
@settings(max_examples=50, deadline=None)
def test_jensen_shannon_is_that_of_scipy(pair: tuple[Counts, Counts]) -> None:
    first, second = pair
    assert float(distances.js(first, second)) == pytest.approx(jensenshannon(first, second, base=2), abs=1e-7)


@given(pair=pairs)
@settings(max_examples=50, deadline=None)
def test_kl_and_psi_are_those_of_scipy_on_the_same_shares(pair: tuple[Counts, Counts]) -> None:
    q, p = (distances.smoothed(counts) for counts in pair)
    assert float(distances.kl(*pair)) == pytest.approx(stats.entropy(p, q), abs=1e-9)
    assert float(distances.psi(*pair)) == pytest.approx(stats.entropy(p, q) + stats.entropy(q, p), abs=1e-9)


@given(pair=pairs)
@settings(max_examples=50, deadline=None)
def test_pearson_is_that_of_scipy(pair: tuple[Counts, Counts]) -> None:
    table = np.stack(pair)
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        assert distances.homogeneity_p_value(*pair) == 1.0
        return
    wanted = stats.chi2_contingency(table, correction=False).pvalue
    assert distances.homogeneity_p_value(*pair) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("freedom", [1, 2, 3, 10, 19, 50])
@pytest.mark.parametrize("statistic", [0.0, 0.3, 5.0, 40.0, 1_000.0])
def test_the_tail_of_chi_square_is_that_of_scipy(statistic: float, freedom: int) -> None:
    assert distances.chi_square_tail(statistic, freedom) == pytest.approx(stats.chi2.sf(statistic, freedom), rel=1e-9)


@given(p_values=st.lists(st.floats(0, 1), min_size=1, max_size=40))
@settings(max_examples=50, deadline=None)
def test_adjusted_p_values_are_those_of_scipy(p_values: list[float]) -> None:
    assert distances.adjusted(p_values) == pytest.approx(stats.false_discovery_control(p_values), abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.1, 0.5])
def test_binned_ks_is_short_of_the_exact_one_by_less_than_a_bin(shift: float) -> None:
    generator = np.random.default_rng(1)
    reference, live = generator.normal(size=20_000), generator.normal(shift, size=5_000)
    bins = numeric_bins(reference)
    binned = float(distances.ks(bins.count(reference)[:-1], bins.count(live)[:-1]))
    exact = float(stats.ks_2samp(reference, live).statistic)
    assert exact - 1 / 20 <= binned <= exact + 1e-12
    p_value = distances.ks_p_value(exact, 20_000, 5_000)
    assert p_value == pytest.approx(stats.ks_2samp(reference, live, method="asymp").pvalue, abs=0.02)


def test_p_values_of_nothing_are_one() -> None:
    assert distances.ks_p_value(0.5, 0, 10) == 1.0
    assert distances.homogeneity_p_value([0, 0], [3, 4]) == 1.0
    assert distances.homogeneity_p_value([3, 0], [4, 0]) == 1.0


@given(windows=st.lists(st.lists(st.integers(0, 99), min_size=5, max_size=5), min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_many_windows_are_compared_at_once(windows: list[list[int]]) -> None:
    reference = np.array([10, 20, 30, 20, 10])
    for measure in MEASURES:
        together = measure(reference, np.array(windows))
        assert together == pytest.approx([float(measure(reference, np.array(one))) for one in windows])


def test_psi_of_equal_distributions_stays_far_under_its_threshold() -> None:
    generator = np.random.default_rng(2)
    reference, live = generator.normal(size=100_000), generator.normal(size=500)
    bins = numeric_bins(reference)
    assert float(distances.psi(bins.count(reference)[:-1], bins.count(live)[:-1])) < 0.1
