import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from adapters import open_platform
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.settings import Settings
from pipelines.reproduce import reproduce
from pipelines.steps import StepEvent
from tests.pipelines.weather import World


def test_a_run_is_reproduced_to_the_byte(world: World) -> None:
    outcome = world.train(parameters={"c": 0.3})
    world.platform.lake.append("observations", world.rain.past_cases(10, seed=4))
    events: list[StepEvent] = []
    again = reproduce(world.platform, world.project, outcome.run_id, progress=events.append)
    assert again.identical
    assert again.trained
    assert again.digest.startswith("sha256:")
    assert again.differences == ()
    assert [one.step for one in events if one.state == "finished"] == ["features", "train", "evaluate", "export"]
    assert len(world.registry.versions("rain")) == 1


def test_another_seed_or_training_function_is_named_with_what_came_of_it(world: World) -> None:
    outcome = world.train()

    def reversed_fit(rows: object, target: object, context: object) -> object:
        return world.rain.fit(rows, 1 - target, context)  # type: ignore[operator] - a pandas series

    model = replace(world.project.models[0], train=reversed_fit, seed=5)
    again = reproduce(world.platform, replace(world.project, models=(model,)), outcome.run_id)
    named = {one.what: one for one in again.differences}
    assert not again.identical
    assert again.trained
    assert (named["seed"].then, named["seed"].now) == ("0", "5")
    assert named["model file model.onnx"].result
    assert "metric roc_auc" in named
    assert not named["code"].result


def test_changed_features_are_named(world: World) -> None:
    outcome = world.train()
    model = replace(world.project.models[0], features=("sky", "wetness", "hectopascal"))
    again = reproduce(world.platform, replace(world.project, models=(model,)), outcome.run_id)
    assert "features" in {one.what for one in again.differences}


def test_an_expired_data_set_is_said_to_be_expired(world: World, tmp_path: Path) -> None:
    local = replace(world, platform=open_platform(Settings(provider="local", home=tmp_path))).fill()
    outcome = local.train()
    local.platform.lake.append("observations", world.rain.past_cases(1, seed=4))
    local.platform.lake.append("observations", world.rain.past_cases(1, seed=5))
    time.sleep(0.05)
    local.platform.lake.maintain("observations", keep_seconds=0.0)
    again = reproduce(local.platform, local.project, outcome.run_id)
    assert not again.trained
    assert again.differences[0].what == "dataset observations at version 0"
    assert again.differences[0].now == "expired: its files are gone"


def test_a_run_that_failed_cannot_be_reproduced(world: World) -> None:
    broken = replace(world.project.models[0], observations="pressure")
    with pytest.raises(InvalidInputError):
        world.train(replace(world.project, models=(broken,)))
    (run,) = world.tracking.runs(world.tracking.experiment_by_name("rain").id)
    with pytest.raises(InvalidInputError, match=r"FAILED.* has registered no version"):
        reproduce(world.platform, world.project, run.id)


def test_an_unknown_run_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError):
        reproduce(world.platform, world.project, "nobody")


def test_rows_in_another_order_make_the_same_model(world: World) -> None:
    cases = world.rain.past_cases(58)
    order = np.random.default_rng(1).permutation(580)
    world.platform.lake.append("shuffled", {name: column[order] for name, column in cases.items()})
    shuffled = replace(world.project.models[0], observations="shuffled")
    models = []
    for at, project in enumerate((world.project, replace(world.project, models=(shuffled,)))):
        version = world.train(project, at=1_362_096_000.0 + at).version
        assert version is not None
        source = world.registry.version("rain", version).source
        models.append(world.platform.blobs.get(f"{source}/model.onnx").data)
    assert models[0] == models[1]
