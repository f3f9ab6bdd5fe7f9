from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from loopwright import Columns, Entity, Field, Gate, Label, Model
from loopwright.definitions.model import Task
from loopwright.errors import DefinitionError
from loopwright.models import open_scorer
from pipelines.frames import frame_of
from pipelines.training.export import Export, export
from pipelines.training.fit import Fitted, FittedCodec, answer, fit
from pipelines.training.onnx_export import convert, plans

NUMBERS = ["distance", "wind"]
TEXTS = ["origin", "carrier"]
ROWS = 1_500


def one_hot() -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return ColumnTransformer([("n", numbers, NUMBERS), ("c", OneHotEncoder(handle_unknown="ignore"), TEXTS)])


def ordinal() -> ColumnTransformer:
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return ColumnTransformer([("n", "passthrough", NUMBERS), ("c", codes, TEXTS)])


ESTIMATORS: dict[str, tuple[Task, Callable[[], object]]] = {
    "logistic": ("binary", lambda: make_pipeline(one_hot(), LogisticRegression(max_iter=500))),
    "forest": ("binary", lambda: make_pipeline(one_hot(), RandomForestClassifier(20, random_state=0))),
    "boosting": ("binary", lambda: make_pipeline(ordinal(), HistGradientBoostingClassifier(max_iter=30))),
    "old boosting": ("binary", lambda: make_pipeline(one_hot(), GradientBoostingClassifier(n_estimators=10))),
    "many logistic": ("multiclass", lambda: make_pipeline(one_hot(), LogisticRegression(max_iter=500))),
    "many boosting": ("multiclass", lambda: make_pipeline(ordinal(), HistGradientBoostingClassifier(max_iter=20))),
    "many forest": ("multiclass", lambda: make_pipeline(one_hot(), RandomForestClassifier(10, random_state=0))),
    "ridge": ("regression", lambda: make_pipeline(one_hot(), Ridge())),
    "boosting of values": ("regression", lambda: make_pipeline(ordinal(), HistGradientBoostingRegressor(max_iter=30))),
    "forest of values": ("regression", lambda: make_pipeline(one_hot(), RandomForestRegressor(10, random_state=0))),
}


@dataclass(frozen=True)
class Case:
    model: Model
    columns: Columns
    fitted: Fitted


def columns_for(task: Task) -> Columns:
    chance = np.random.default_rng(7)
    distance = chance.normal(1000, 300, ROWS)
    wind = np.where(chance.random(ROWS) < 0.15, np.nan, chance.gamma(2, 5, ROWS))
    origin = chance.choice(np.array(["JFK", "LGA", "EWR", ""], dtype=object), ROWS)
    carrier = chance.choice(np.array([f"C{place}" for place in range(12)], dtype=object), ROWS)
    value = distance / 300 + np.nan_to_num(wind) / 5 + (origin == "JFK") * 2 + chance.normal(size=ROWS)
    days = np.datetime64("2013-01-01", "us") + np.arange(ROWS) * np.timedelta64(1, "h")
    target = {
        "binary": (value > np.median(value)).astype(np.float64),
        "multiclass": np.array(["low", "mid", "top"], dtype=object)[np.digitize(value, np.quantile(value, [0.3, 0.7]))],
        "regression": value,
    }[task]
    return {
        "distance": distance,
        "wind": wind,
        "origin": origin,
        "carrier": carrier,
        "event_time": days,
        "label": target,
    }


def model_of(task: Task, make: Callable[[], object], features: list[str]) -> Model:
    def train(rows: pd.DataFrame, target: pd.Series, context: object) -> object:
        made = make()
        return made.fit(rows, target) if isinstance(made, BaseEstimator) else made

    metric = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "rmse"}[task]
    return Model(
        name="delays",
        task=task,
        entity=Entity("flight", (Field("flight", "int"),)),
        label=Label("delay"),
        observations="flights",
        request=tuple(Field(name, "float" if name in NUMBERS else "string", nullable=True) for name in features),
        features=tuple(features),
        train=train,
        gate=Gate(metric),
    )


def case(task: Task, make: Callable[[], object], features: list[str] | None = None) -> Case:
    model = model_of(task, make, features or [*NUMBERS, *TEXTS])
    columns = columns_for(task)
    return Case(model, columns, fit(model, {}, columns, lambda *_: None))


def answers_like_the_estimator(one: Case, made: Export) -> bool:
    strange = {name: column.copy() for name, column in one.columns.items()}
    if "origin" in one.model.features:
        strange["origin"][:50] = "an airport that nobody knew"
    if "wind" in one.model.features:
        strange["wind"][:80] = np.nan
    found = open_scorer(made.manifest, made.data).score(strange)
    expected = answer(one.model, one.fitted, strange)
    same = np.allclose(found.score, expected.score, rtol=1e-5, atol=1e-5)
    return same and list(found.prediction) == list(expected.prediction if expected.prediction is not None else [])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_usual_estimators_become_onnx_that_answers_alike(name: str) -> None:
    one = case(*ESTIMATORS[name])
    made = export(one.model, one.fitted, one.columns)
    assert made.fallback == ""
    assert made.manifest.runtime == "onnx"
    assert made.parity_rows == ROWS
    opsets = [opset.domain for opset in onnx.load_from_string(made.data).opset_import]
    assert opsets == sorted(opsets)
    assert answers_like_the_estimator(one, made)


def test_a_bare_estimator_of_numbers_becomes_onnx() -> None:
    one = case("binary", lambda: HistGradientBoostingClassifier(max_iter=10), NUMBERS)
    made = export(one.model, one.fitted, one.columns)
    assert made.manifest.runtime == "onnx"
    assert answers_like_the_estimator(one, made)


def test_the_same_training_gives_the_same_bytes() -> None:
    for name in ("boosting", "logistic"):
        first, second = (case(*ESTIMATORS[name]) for _ in range(2))
        made = [export(one.model, one.fitted, one.columns).data for one in (first, second)]
        assert made[0] == made[1]


def native_categories() -> Pipeline:
    return make_pipeline(
        ordinal(), HistGradientBoostingClassifier(max_iter=10, categorical_features=[2, 3], random_state=0)
    )


def test_what_onnx_answers_differently_stays_with_scikit_learn() -> None:
    one = case("binary", native_categories)
    made = export(one.model, one.fitted, one.columns)
    assert made.manifest.runtime == "skops"
    assert "differ by up to" in made.fallback
    assert answers_like_the_estimator(one, made)


def test_a_fallback_has_the_same_bytes_each_time() -> None:
    made = [export(one.model, one.fitted, one.columns).data for one in (case("binary", native_categories),) * 2]
    again = case("binary", native_categories)
    assert made[0] == made[1] == export(again.model, again.fitted, again.columns).data


class Doubled(TransformerMixin, BaseEstimator):
    def fit(self, rows: pd.DataFrame, _: pd.Series | None = None) -> "Doubled":
        self.columns_ = len(rows.columns)
        return self

    def transform(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows * 2


def test_a_type_of_ones_own_is_refused_by_name_with_advice() -> None:
    one = case("binary", lambda: make_pipeline(Doubled(), SimpleImputer(), LogisticRegression()), NUMBERS)
    with pytest.raises(DefinitionError, match=r"holds .*Doubled, which may not be loaded. Instead: build the model"):
        export(one.model, one.fitted, one.columns)


def test_a_model_that_is_onnx_already_is_taken_as_it_comes() -> None:
    source = case(*ESTIMATORS["logistic"])
    data = convert(source.model, plans(source.model, source.fitted)[0])
    for given in (data, onnx.load_from_string(data)):
        one = case("binary", lambda given=given: given)
        made = export(one.model, one.fitted, one.columns)
        assert made.manifest.output == "probabilities"
        assert made.data == data
        assert answers_like_the_estimator(source, made)


def test_bytes_that_are_no_onnx_are_refused() -> None:
    one = case("binary", lambda: b"not a model")
    with pytest.raises(DefinitionError, match="returned no ONNX model"):
        export(one.model, one.fitted, one.columns)


@pytest.mark.parametrize(("made", "message"), [(lambda: 42, "returned int"), (OrdinalEncoder, "no predict_proba")])
def test_a_training_function_that_returns_no_classifier_is_told_so(made: Callable[[], object], message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        case("binary", made, NUMBERS)


def test_a_failing_training_function_is_named() -> None:
    with pytest.raises(DefinitionError, match="the training function of 'delays' fails with ValueError"):
        case("binary", LogisticRegression, TEXTS)


def test_a_fitted_model_survives_being_kept() -> None:
    one = case(*ESTIMATORS["boosting"])
    again = FittedCodec().decode(FittedCodec().encode(one.fitted))
    frame = frame_of(one.model, one.columns)
    assert not isinstance(one.fitted, bytes)
    assert not isinstance(again, bytes)
    assert (again.predict_proba(frame) == one.fitted.predict_proba(frame)).all()
    kept = replace(one, fitted=again)
    assert export(kept.model, kept.fitted, kept.columns).data == export(one.model, one.fitted, one.columns).data
