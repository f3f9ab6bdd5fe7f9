"""Which columns and which target a notebook's model may have been fitted to."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from loopwright.errors import DefinitionError, InvalidInputError
from loopwright.models import load_scorer
from pipelines.adopt import Wish
from tests.pipelines.adopting import notebook
from tests.pipelines.adopting.test_adopt import adopted
from tests.pipelines.weather import World


def test_columns_that_do_not_fit_are_named_each(world: World) -> None:
    inputs = (("wetness", "string"), ("hectopascal", "long"), ("heaven", "string"))
    number = notebook.log(world, notebook.as_skops(notebook.fitted()), inputs)
    with pytest.raises(InvalidInputError, match="does not take the features of the project's model 'rain'") as caught:
        adopted(world, Wish("rain", number))
    assert caught.value.problems == (
        "heaven is no feature of 'rain'",
        "sky is a feature of 'rain' that it does not take",
        "wetness is string there and float here",
    )
    run = next(world.tracking.runs(world.tracking.experiment_by_name("rain").id))
    assert run.status == "FAILED"


def test_without_a_signature_the_columns_that_it_was_fitted_to_count(world: World) -> None:
    number = notebook.log(world, notebook.as_skops(notebook.fitted()), None)
    assert adopted(world, Wish("rain", number)).outcome.version == 2
    frame, rained = notebook.rows()
    nameless = LogisticRegression().fit(frame[["wetness", "hectopascal"]].to_numpy(), rained)
    number = notebook.log(world, notebook.as_skops(nameless), None)
    with pytest.raises(InvalidInputError, match="does not say which columns it wants"):
        adopted(world, Wish("rain", number))


def numbers_only(world: World) -> World:
    """Return the world with a model that sees two numbers."""
    (rain,) = world.project.models
    return replace(world, project=replace(world.project, models=(replace(rain, features=("wetness", "hectopascal")),)))


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
        make_pipeline(SimpleImputer(), ExtraTreesClassifier(10, random_state=1)),
        HistGradientBoostingClassifier(max_iter=10),
        GridSearchCV(make_pipeline(SimpleImputer(), LogisticRegression()), {"logisticregression__C": [0.1, 1]}, cv=2),
    ],
    ids=["linear", "trees", "boosting", "search"],
)
def test_the_order_of_the_columns_may_be_another(world: World, model: LogisticRegression) -> None:
    world = numbers_only(world)
    frame, rained = notebook.rows()
    order = ["hectopascal", "wetness"]
    model.fit(frame[order], rained)
    number = notebook.log(world, notebook.as_skops(model), [(name, "double") for name in order])
    version = world.registry.version("rain", adopted(world, Wish("rain", number)).outcome.version)
    scorer = load_scorer(world.platform.blobs, version.source, version.digest)
    columns = {name: frame[name].to_numpy() for name in order}
    assert np.allclose(scorer.score(columns).score, model.predict_proba(frame[order])[:, 1], atol=1e-5)
    assert version.tags["runtime"] == "onnx"


def test_a_model_that_cannot_answer_the_projects_rows_says_why(world: World) -> None:
    world = numbers_only(world)
    frame, rained = notebook.rows()
    names = ["wetness", "hectopascal"]
    model = LogisticRegression().fit(frame[names], rained)
    number = notebook.log(world, notebook.as_skops(model), [(name, "double") for name in names])
    with pytest.raises(InvalidInputError, match=r"cannot answer the project's rows: ValueError: Input X contains NaN"):
        adopted(world, Wish("rain", number))


@pytest.mark.parametrize("labels", [("no", "yes"), (False, True), (0.0, 1.0)])
def test_a_target_of_texts_or_truth_values_is_understood(world: World, labels: tuple[object, object]) -> None:
    _, rained = notebook.rows()
    target = rained.map(dict(enumerate(labels)))
    number = notebook.log(world, notebook.as_skops(notebook.fitted(target=target)))
    assert adopted(world, Wish("rain", number)).outcome.promoted


def test_a_target_whose_second_text_is_not_the_positive_one_is_refused(world: World) -> None:
    _, rained = notebook.rows()
    number = notebook.log(world, notebook.as_skops(notebook.fitted(target=rained.map({0: "zero", 1: "one"}))))
    with pytest.raises(DefinitionError, match="fitted to the classes one, zero"):
        adopted(world, Wish("rain", number))
