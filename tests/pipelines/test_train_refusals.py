"""What a training does not take, and how it says so."""

from dataclasses import replace

import numpy as np
import pytest

from loopwright.errors import InvalidInputError, NotFoundError
from pipelines.train import train
from tests.pipelines.weather import AT, World


def test_an_unknown_model_is_not_found(world: World) -> None:
    with pytest.raises(NotFoundError, match="has no model 'snow'"):
        train(world.platform, world.project, "snow", reason="a test", at=AT, who="tester")


def test_a_corrupt_table_is_refused_with_every_problem(world: World) -> None:
    rows = world.rain.past_cases(3) | {"humidity": np.full(30, np.inf)}
    rows["station"][:5] = ""
    world.platform.lake.append("observations", rows)
    with pytest.raises(InvalidInputError) as caught:
        world.train()
    assert any("'humidity' is infinite" in problem for problem in caught.value.problems)
    assert any("'station' is null" in problem for problem in caught.value.problems)


def test_a_source_that_lost_a_column_is_refused_by_name(world: World) -> None:
    model = world.project.models[0]
    view = replace(model.views[0], source="other")
    readings = {name: column for name, column in world.rain.barometer(5).items() if name != "hectopascal"}
    world.platform.lake.append("other", readings)
    with pytest.raises(InvalidInputError, match="'hectopascal' is missing"):
        world.train(replace(world.project, models=(replace(model, views=(view,)),)))


def test_nothing_to_learn_from_is_said_so(world: World) -> None:
    model = replace(world.project.models[0], observations="nowhere")
    with pytest.raises(NotFoundError, match="nothing to learn from"):
        world.train(replace(world.project, models=(model,)))


def test_labels_that_are_no_truth_values_are_refused(world: World) -> None:
    model = world.project.models[0]
    numbers = replace(model, label=replace(model.label, positive=None))
    with pytest.raises(InvalidInputError, match=r"is no number: '(yes|no)'; name the label's `positive` value"):
        world.train(replace(world.project, models=(numbers,)))


def test_one_class_alone_teaches_nothing(world: World) -> None:
    model = world.project.models[0]
    odd = replace(model, label=replace(model.label, positive="perhaps"))
    with pytest.raises(InvalidInputError, match="the same label"):
        world.train(replace(world.project, models=(odd,)))
