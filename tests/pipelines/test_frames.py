from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from loopwright import Model, Project
from loopwright.errors import InvalidInputError
from pipelines.frames import frame_of, known_rows, target_of, target_series
from pipelines.training.observations import TARGET, split_rows
from pipelines.training.provenance import code_of, environment_of, provenance_of, versions_of


@pytest.fixture
def model(project: Project) -> Model:
    return project.models[0]


def test_a_training_function_sees_the_features_in_order_and_nothing_else(model: Model) -> None:
    columns = {
        "sky": np.array(["clear", ""], dtype=object),
        "hectopascal": np.array([1000.0, np.nan]),
        "wetness": np.array([0.1, 0.2]),
        "station": np.array(["north", "south"], dtype=object),
    }
    frame = frame_of(model, columns)
    assert list(frame.columns) == ["wetness", "hectopascal", "sky"]
    assert [str(dtype) for dtype in frame.dtypes] == ["float64", "float64", "str"]
    assert list(frame["sky"]) == ["clear", ""]


def test_a_missing_feature_is_named(model: Model) -> None:
    with pytest.raises(InvalidInputError, match="no column 'wetness'"):
        frame_of(model, {"sky": np.array(["clear"], dtype=object)})


def test_texts_numbers_and_truth_values_become_targets(model: Model) -> None:
    texts = target_of(model, np.array(["yes", "no", ""], dtype=object))
    np.testing.assert_array_equal(texts, [1.0, 0.0, np.nan])
    np.testing.assert_array_equal(known_rows(texts), [True, True, False])
    np.testing.assert_array_equal(target_of(model, np.array([1.0, 0.0, np.nan])), [1.0, 0.0, np.nan])
    assert target_series(model, texts[:2]).dtype == np.int64


def test_numbers_that_are_no_truth_values_are_refused(model: Model) -> None:
    with pytest.raises(InvalidInputError, match="is 0 or 1, found 7"):
        target_of(model, np.array([0.0, 7.0]))


def test_multiclass_targets_are_texts(model: Model) -> None:
    many = replace(model, task="multiclass", metrics=("accuracy",), gate=replace(model.gate, metric="accuracy"))
    assert list(target_of(many, np.array([1.0, np.nan, 2.5]))) == ["1", "", "2.5"]
    assert list(known_rows(target_of(many, np.array(["a", ""], dtype=object)))) == [True, False]


def test_the_newest_rows_are_held_out_and_the_window_bounds_the_rest(model: Model) -> None:
    days = np.datetime64("2013-01-01", "us") + np.arange(100) * np.timedelta64(1, "D")
    columns = {"event_time": days, TARGET: np.tile([0.0, 1.0], 50)}
    windowed = replace(model, holdout=timedelta(days=10), training_window=timedelta(days=30))
    trained, held_out = split_rows(windowed, columns)
    assert (trained.sum(), held_out.sum()) == (30, 10)
    assert not (trained & held_out).any()
    assert days[trained].max() < days[held_out].min()


def test_a_holdout_that_takes_every_row_is_refused(model: Model) -> None:
    columns = {"event_time": np.full(3, np.datetime64("2013-01-01", "us")), TARGET: np.array([0.0, 1.0, 1.0])}
    with pytest.raises(InvalidInputError, match="append older cases, or make `holdout` shorter"):
        split_rows(model, columns)


def test_code_has_the_same_digest_until_a_file_changes(tmp_path: Path) -> None:
    folder = tmp_path
    (folder / "project.py").write_text("a = 1\n")
    before = code_of(folder)
    assert code_of(folder) == before
    (folder / "project.py").write_text("a = 2\n")
    assert code_of(folder) != before


def test_the_environment_lists_what_is_installed() -> None:
    versions = versions_of(environment_of())
    assert versions["numpy"] == np.__version__
    assert "scikit-learn" in versions
    assert "python" in versions


def test_provenance_tells_the_commit_where_there_is_one(model: Model) -> None:
    told = provenance_of(model)
    assert told.commit == "" or len(told.commit) == 40
    assert told.code.startswith("sha256:")
