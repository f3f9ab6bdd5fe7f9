from dataclasses import replace

import numpy as np
import pytest

from loopwright import Field, Gate
from loopwright.errors import IntegrityError, InvalidInputError
from loopwright.monitoring.profiles import Profile, build_profile, profile_column, watched_fields
from tests.loopwright.monitoring.world import MODEL, START, profile_of, rows_at, truth_of


def test_a_profile_survives_json_and_equal_ones_give_equal_bytes() -> None:
    profile = profile_of()
    assert Profile.from_json(profile.to_json()) == profile
    assert profile_of().to_json() == profile.to_json()


def test_a_profile_is_a_few_kilobytes_whatever_the_rows() -> None:
    assert len(profile_of(rows=50_000).to_json()) < 10_000


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"format": "another/2"}'])
def test_what_is_no_profile_is_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"profile\.json"):
        Profile.from_json(data)


def test_features_request_fields_and_view_features_are_watched_but_no_mere_keys() -> None:
    assert [field.name for field in watched_fields(MODEL)] == ["distance", "origin", "temp"]


def test_a_profile_knows_nulls_ranges_and_categories() -> None:
    columns = rows_at(np.full(1_000, START), seed=1)
    columns["temp"][:250] = np.nan
    columns["origin"][:10] = ""
    profile = build_profile(MODEL, columns, scores=np.array([0.5]), target=np.array([1.0]))
    temp, origin = profile.features["temp"], profile.features["origin"]
    assert temp.null_share == 0.25
    assert (temp.minimum, temp.maximum) == (-50.0, 60.0)
    assert temp.low == np.nanmin(columns["temp"].astype(np.float64))
    assert origin.nulls == 10
    assert origin.known == ("JFK", "LGA", "EWR")


def test_texts_without_declared_categories_are_known_from_training_if_all_of_them_are_kept() -> None:
    few = profile_column(Field("x", "string"), np.array(["a", "b"], dtype=object))
    many = profile_column(Field("x", "string"), np.array([f"v{place}" for place in range(200)], dtype=object))
    assert few.known == ("a", "b")
    assert many.known is None


def test_scores_are_counted_with_what_became_of_them() -> None:
    scores = profile_of().scores
    assert sum(scores.counts) == 5_000
    assert scores.hits is not None
    assert scores.hits[0] < scores.hits[-1]
    assert set(scores.classes.categories) == {"0", "1"}


def test_metrics_that_cannot_be_told_are_left_out() -> None:
    columns = rows_at(np.full(10, START), seed=1)
    metrics = {"roc_auc": float("nan"), "brier": 0.1}
    profile = build_profile(MODEL, columns, scores=np.ones(2), target=np.ones(2), metrics=metrics)
    assert profile.metrics == {"brier": 0.1}


def test_a_multiclass_score_comes_true_when_the_class_was_right() -> None:
    monitors = replace(MODEL.monitors, performance=None)
    model = replace(MODEL, task="multiclass", metrics=("accuracy",), gate=Gate("accuracy"), monitors=monitors)
    columns = rows_at(np.full(4, START), seed=1)
    predicted, true = np.array(["a", "b", "b"], dtype=object), np.array(["a", "a", "b"], dtype=object)
    scores = build_profile(model, columns, scores=np.full(3, 0.6), target=true, predictions=predicted).scores
    assert scores.hits == (0, 2, 0)


def test_a_regression_score_never_comes_true() -> None:
    monitors = replace(MODEL.monitors, performance=None)
    model = replace(MODEL, task="regression", metrics=("rmse",), gate=Gate("rmse"), monitors=monitors)
    columns = rows_at(np.full(4, START), seed=1)
    scores = build_profile(model, columns, scores=np.arange(3.0), target=np.arange(3.0)).scores
    assert scores.hits is None
    assert scores.classes.categories == ()


def test_a_profile_wants_rows_and_every_feature() -> None:
    columns = rows_at(np.full(10, START), seed=1)
    with pytest.raises(InvalidInputError, match="'temp'"):
        build_profile(
            MODEL, {"distance": columns["distance"], "origin": columns["origin"]}, scores=np.ones(1), target=np.ones(1)
        )
    with pytest.raises(InvalidInputError, match="0 scored rows"):
        build_profile(MODEL, columns, scores=np.empty(0), target=np.empty(0))
    with pytest.raises(InvalidInputError, match="differ in length"):
        build_profile(MODEL, columns, scores=np.ones(2), target=truth_of(columns))
