import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import pytest

from adapters import open_platform
from loopwright.errors import ConflictError, InvalidInputError, NotFoundError
from loopwright.ports import Platform
from loopwright.settings import Settings
from loopwright.tracking import Experiment, LoggedModel, LoggedModels, ModelMetric, Tracking
from loopwright.tracking.logged_model import HEAD_POINTS


class Hand(Protocol):
    moment: float


@pytest.fixture
def models(platform: Platform, clock: Callable[[], float]) -> LoggedModels:
    return LoggedModels(platform.table, clock=clock, new_id=platform.new_id)


@pytest.fixture
def model(models: LoggedModels, experiment: Experiment) -> LoggedModel:
    return models.create(experiment.id, name="forest", params={"depth": "3"}, tags={"team": "ops"})


def test_a_model_waits_for_its_files(models: LoggedModels, experiment: Experiment, clock: Hand) -> None:
    clock.moment = 1_000.000_4
    made = models.create(experiment.id, name="forest", model_type="classifier", source_run_id="run1")
    assert made.id.startswith("m-")
    assert made == LoggedModel(
        id=made.id,
        experiment_id=experiment.id,
        name="forest",
        location=f"mlflow-artifacts:/{experiment.id}/models/{made.id}/artifacts",
        model_type="classifier",
        source_run_id="run1",
        status="PENDING",
        created=1_000.0,
        updated=1_000.0,
    )
    assert models.model(made.id) == made
    assert models.home(made.id) == experiment.id


def test_a_model_without_a_name_gets_one(models: LoggedModels, experiment: Experiment) -> None:
    first, second = models.create(experiment.id), models.create(experiment.id)
    assert first.name != second.name


def test_a_model_says_what_became_of_its_files(models: LoggedModels, model: LoggedModel, clock: Hand) -> None:
    clock.moment = 1_010.0
    done = models.finalize(model.id, "READY")
    assert (done.status, done.created, done.updated) == ("READY", 1_000.0, 1_010.0)
    assert models.model(model.id) == done


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "50%", "a'b", 'a"b', "x" * 501])
def test_a_name_that_mlflow_would_not_take_is_refused(models: LoggedModels, experiment: Experiment, name: str) -> None:
    with pytest.raises(InvalidInputError, match="Invalid model name"):
        models.create(experiment.id, name=name)


def test_a_model_belongs_to_a_living_experiment(
    models: LoggedModels, tracking: Tracking, experiment: Experiment
) -> None:
    with pytest.raises(NotFoundError, match="no experiment"):
        models.create("nowhere", name="forest")
    tracking.delete_experiment(experiment.id)
    with pytest.raises(ConflictError, match="deleted"):
        models.create(experiment.id, name="forest")


def test_tags_change_and_go(models: LoggedModels, model: LoggedModel) -> None:
    models.set_tags(model.id, {"team": "research", "stage": "new"})
    models.remove_tag(model.id, "stage")
    assert models.model(model.id).tags == {"team": "research"}
    with pytest.raises(NotFoundError, match="no tag 'stage'"):
        models.remove_tag(model.id, "stage")


def test_a_param_is_set_once(models: LoggedModels, model: LoggedModel) -> None:
    models.log_params(model.id, {"depth": "3", "leaves": "10"})
    with pytest.raises(InvalidInputError, match="param 'depth' is '3' and cannot become '4'"):
        models.log_params(model.id, {"bins": "5", "depth": "4"})
    assert models.model(model.id).params == {"depth": "3", "leaves": "10"}


def test_a_deleted_model_is_only_found_by_who_asks_for_it(
    models: LoggedModels, model: LoggedModel, clock: Hand
) -> None:
    clock.moment = 1_010.0
    models.delete(model.id)
    with pytest.raises(NotFoundError, match=model.id):
        models.model(model.id)
    assert list(models.models(model.experiment_id)) == []
    assert models.model(model.id, deleted=True).deleted == 1_010.0


@pytest.mark.parametrize("model_id", ["m-0", "", "a/b", "m\n", "ä" * 300])
def test_what_is_not_there_is_not_found(models: LoggedModels, experiment: Experiment, model_id: str) -> None:
    for act in (
        models.model,
        models.delete,
        models.home,
        lambda each: models.set_tags(each, {"a": "b"}),
        lambda each: models.log_metrics({each: [ModelMetric("auc", 0.5, 1.0)]}),
    ):
        with pytest.raises(NotFoundError, match="not found"):
            act(model_id)


def test_points_come_back_as_they_were_logged_and_once(models: LoggedModels, model: LoggedModel) -> None:
    points = [
        ModelMetric("auc", 0.5, 1.0, 0, "run1"),
        ModelMetric("auc", 0.7, 2.0, 1, "run1", "flights", "abc"),
        ModelMetric("loss", math.inf, 1.0, 0, "run2"),
    ]
    models.log_metrics({model.id: points[:2]})
    models.log_metrics({model.id: points})
    assert list(models.model(model.id).metrics) == points


@pytest.mark.parametrize("value", [0.5, math.nan])
def test_a_point_is_logged_again_but_not_changed(models: LoggedModels, model: LoggedModel, value: float) -> None:
    point = ModelMetric("auc", value, 1.0, 0, "run1")
    for _ in range(2):
        models.log_metrics({model.id: [point]})
    with pytest.raises(InvalidInputError, match="log it at another step or moment"):
        models.log_metrics({model.id: [ModelMetric("auc", 0.9, 1.0, 0, "run1")]})
    assert [repr(one) for one in models.model(model.id).metrics] == [repr(point)]


def test_a_model_with_very_many_points_keeps_them_all(models: LoggedModels, model: LoggedModel) -> None:
    points = [ModelMetric("loss", float(step), 1.0 + step, step, "run1") for step in range(3 * HEAD_POINTS + 7)]
    for start in range(0, len(points), 1_000):
        models.log_metrics({model.id: points[start : start + 1_000]})
    models.log_metrics({model.id: points[:10]})
    assert list(models.model(model.id).metrics) == points
    assert list(next(models.models(model.experiment_id)).metrics) == points


def test_a_listing_has_the_newest_first_and_goes_on_behind_one(
    models: LoggedModels, tracking: Tracking, experiment: Experiment, clock: Hand
) -> None:
    tracking.create_run(experiment.id, name="not a model")
    made = []
    for moment in (1_000.0, 1_001.0, 1_001.0, 1_001.001, 999.0):
        clock.moment = moment
        made.append(models.create(experiment.id, name="forest"))
    wanted = sorted(made, key=lambda one: (-one.created, one.id))
    assert list(models.models(experiment.id)) == wanted
    for number, one in enumerate(wanted):
        assert list(models.models(experiment.id, after=(one.created, one.id))) == wanted[number + 1 :]
    assert [run.name for run in tracking.runs(experiment.id)] == ["not a model"]


def test_texts_too_long_for_a_model_are_refused(models: LoggedModels, model: LoggedModel) -> None:
    with pytest.raises(InvalidInputError, match="log long texts as artifacts"):
        models.set_tags(model.id, {"essay": "x" * 1_000_000})
    assert models.model(model.id).tags == {"team": "ops"}


def test_writers_to_one_model_lose_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    platform = open_platform(Settings(provider="local", home=tmp_path_factory.mktemp("home")))
    models = LoggedModels(platform.table, clock=platform.clock, new_id=platform.new_id)
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    made = models.create(tracking.ensure_experiment("e").id, name="forest")

    def write(number: int) -> None:
        models.log_metrics({made.id: [ModelMetric("auc", 0.5, 1.0, number, "run1")]})
        models.set_tags(made.id, {f"tag{number}": "x"})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(24)))
    found = models.model(made.id)
    assert sorted(point.step for point in found.metrics) == list(range(24))
    assert len(found.tags) == 24
    platform.close()
