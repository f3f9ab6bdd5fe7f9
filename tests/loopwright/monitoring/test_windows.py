import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.columns import concat, take
from loopwright.errors import IntegrityError
from loopwright.monitoring.counting import count_rows
from loopwright.monitoring.windows import LATENCY_EDGES, Slot, WindowCounts, merge, quantile
from tests.loopwright.monitoring.world import DAY, MODEL, START, day, profile_of, rows_at

PROFILE = profile_of()
ROWS = concat(
    [
        rows_at(day(0, 200), seed=1),
        rows_at(day(0, 30), seed=2, arm="shadow"),
        rows_at(day(1.2, 150), seed=3),
    ]
)


def test_rows_count_where_they_belong() -> None:
    found = count_rows(ROWS, model=MODEL, version=3, window=DAY, profile=PROFILE)
    assert {slot: counts.rows for slot, counts in found.items()} == {
        Slot(START, "champion", 3): 200,
        Slot(START, "shadow", 3): 30,
        Slot(START + DAY, "champion", 3): 120,
        Slot(START + 2 * DAY, "champion", 3): 30,
    }
    for counts in found.values():
        assert sum(counts.latency) == sum(counts.scores) == sum(counts.classes) == counts.rows
        for feature in counts.features.values():
            assert sum(feature.bins) + feature.nulls == counts.rows


@given(seed=st.integers(0, 1_000), hours=st.sampled_from([1, 6, 24]))
@settings(max_examples=15, deadline=None)
def test_counting_does_not_depend_on_the_order_or_on_the_other_rows(seed: int, hours: int) -> None:
    shuffled = take(ROWS, np.random.default_rng(seed).permutation(380))
    window = hours * 3600.0
    found = count_rows(shuffled, model=MODEL, version=1, window=window, profile=PROFILE)
    for slot, counts in found.items():
        at = ROWS["predicted_at"].astype("datetime64[us]").astype(np.int64) / 1e6
        mine = (np.floor(at / window) * window == slot.start) & (ROWS["arm"] == slot.arm)
        alone = count_rows(take(ROWS, mine), model=MODEL, version=1, window=window, profile=PROFILE)
        assert alone == {slot: counts}


@given(cuts=st.lists(st.integers(0, 380), max_size=4))
@settings(max_examples=15, deadline=None)
def test_merged_windows_have_the_counts_of_the_union(cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), 380]
    one_arm = {**ROWS, "arm": np.full(380, "champion", dtype=object)}
    year = 366 * DAY
    parts: list[WindowCounts] = []
    for first, last in itertools.pairwise(bounds):
        if last > first:
            part = take(one_arm, slice(first, last))
            parts += count_rows(part, model=MODEL, version=1, window=year, profile=PROFILE).values()
    assert merge(parts) == merge(count_rows(one_arm, model=MODEL, version=1, window=year, profile=PROFILE).values())


def test_nothing_merged_is_nothing() -> None:
    assert merge([]) is None


def test_counts_of_another_definition_merge_into_the_union_of_features() -> None:
    (whole,) = count_rows(take(ROWS, slice(0, 200)), model=MODEL, version=1, window=DAY, profile=PROFILE).values()
    (bare,) = count_rows(take(ROWS, slice(0, 200)), model=MODEL, version=1, window=DAY, profile=None).values()
    assert bare.features == {}
    for merged in (bare.merged(whole), whole.merged(bare)):
        assert merged.rows == 400
        assert merged.features == whole.features
        assert merged.scores == whole.scores


def test_counts_survive_storage_and_damage_is_noticed() -> None:
    (counts,) = count_rows(take(ROWS, slice(0, 200)), model=MODEL, version=1, window=DAY, profile=PROFILE).values()
    assert WindowCounts.decode(counts.encode()) == counts
    with pytest.raises(IntegrityError):
        WindowCounts.decode(counts.encode()[:-3])


def test_a_slot_is_read_back_from_its_key() -> None:
    slot = Slot(START + 3600.0, "canary", 12)
    assert slot.sort == "2013-01-01T01:00:00Z/canary/00000012"
    assert Slot.parse(f"window/{slot.sort}") == slot


def test_quantiles_come_from_counts_within_a_bin() -> None:
    values = np.random.default_rng(0).exponential(20.0, 10_000)
    counts = np.bincount(np.searchsorted(LATENCY_EDGES, values), minlength=len(LATENCY_EDGES) + 1)
    for share in (0.5, 0.95, 0.99):
        found = quantile(counts.tolist(), LATENCY_EDGES, share)
        assert found == pytest.approx(np.quantile(values, share), rel=0.05)
    assert quantile([0, 0], (1.0,), 0.5) is None
    assert quantile([0, 5], (1.0,), 0.5) == 1.0


def test_a_column_that_changed_its_type_or_is_gone_is_left_out() -> None:
    rows = {**take(ROWS, slice(0, 50)), "temp": np.full(50, "warm", dtype=object)}
    del rows["distance"]
    (counts,) = count_rows(rows, model=MODEL, version=1, window=DAY, profile=PROFILE).values()
    assert set(counts.features) == {"origin"}
