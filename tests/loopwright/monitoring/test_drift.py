from dataclasses import replace

import numpy as np
import pytest

from loopwright.definitions.rules import Drift, DriftMeasure
from loopwright.monitoring.bins import Bins
from loopwright.monitoring.drift import coarse, compare
from loopwright.monitoring.profiles import Profile
from tests.loopwright.monitoring.world import START, profile_of, rows_at

RULE = Drift(minimum_rows=100)
NAMES = ("distance", "origin", "temp")


def live_counts(profile: Profile, *, rows: int, shift: float = 0.0) -> dict[str, list[int]]:
    columns = rows_at(np.full(rows, START), seed=5, shift=shift)
    return {name: one.bins.count(columns[name])[:-1].tolist() for name, one in profile.features.items()}


def test_rows_like_those_of_the_training_have_not_drifted() -> None:
    profile = profile_of()
    found = compare(profile, live_counts(profile, rows=2_000), RULE, rows=2_000, features=NAMES)
    assert not found.drifted
    assert [one.feature for one in found.features] == list(NAMES)
    assert all(one.psi < 0.05 for one in found.features)


@pytest.mark.parametrize("measure", ["psi", "ks", "kl", "js"])
def test_a_feature_that_moved_is_found_by_every_measure(measure: DriftMeasure) -> None:
    profile = profile_of()
    rule = replace(RULE, measure=measure)
    found = compare(profile, live_counts(profile, rows=2_000, shift=6.0), rule, rows=2_000, features=NAMES)
    assert found.drifted
    assert found.drifted_features == ("temp",)


def test_too_few_rows_say_nothing_however_far_they_are() -> None:
    profile = profile_of()
    found = compare(profile, live_counts(profile, rows=99, shift=30.0), RULE, rows=99, features=NAMES)
    assert not found.enough
    assert not found.drifted


def test_a_rule_may_want_several_features_and_name_them() -> None:
    profile = profile_of()
    live = live_counts(profile, rows=2_000, shift=6.0)
    two = compare(profile, live, replace(RULE, minimum_features=2), rows=2_000, features=NAMES)
    assert two.drifted_features == ("temp",)
    assert not two.drifted
    named = compare(profile, live, replace(RULE, features=("origin",)), rows=2_000, features=NAMES)
    assert [one.feature for one in named.features] == ["origin"]
    assert not named.drifted


def test_what_is_far_but_may_be_chance_has_not_drifted() -> None:
    profile = profile_of()
    live = live_counts(profile, rows=120, shift=2.0)
    strict = compare(
        profile, live, Drift(threshold=0.05, significance=1e-12, minimum_rows=100), rows=120, features=NAMES
    )
    assert strict.features[2].psi >= 0.05
    assert not strict.drifted


def test_a_column_of_nulls_has_no_distribution_to_drift() -> None:
    profile = profile_of()
    live = live_counts(profile, rows=500) | {"temp": [0] * profile.features["temp"].bins.size}
    found = compare(profile, live, RULE, rows=500, features=NAMES)
    assert (found.features[2].rows, found.features[2].psi, found.features[2].p_value) == (0, 0.0, 1.0)


def test_scores_are_compared_too_but_decide_nothing() -> None:
    profile = profile_of()
    moved = [0] * (profile.scores.bins.size - 1) + [2_000]
    found = compare(profile, live_counts(profile, rows=2_000), RULE, rows=2_000, features=NAMES, scores=moved)
    assert found.score is not None
    assert found.score.drifted
    assert not found.drifted


def test_scores_are_compared_over_no_more_bins_than_features() -> None:
    bins = Bins("number", tuple(float(edge) for edge in range(99)))
    assert coarse(bins, np.ones(100, dtype=np.int64)).tolist() == [5] * 20
    few = Bins("number", (0.5,))
    assert coarse(few, np.array([3, 4])).tolist() == [3, 4]
