"""Canary and shadow beside the champion."""

import pytest

from loopwright.ports import Platform
from loopwright.serving.identity import in_canary
from loopwright.serving.predictor import Predictor
from tests.airport import world
from tests.loopwright.serving.answering import champion, column, logged


@pytest.fixture
def predictor(platform: Platform) -> Predictor:
    return Predictor(platform, world.project())


def test_the_canary_answers_the_ids_that_fall_to_it_and_each_arm_is_logged(
    platform: Platform, predictor: Predictor
) -> None:
    first = champion(platform)
    second = world.register(platform, level=0.25)
    world.registry(platform).set_canary("delays", second, 0.4, who="test", why="for the test")
    rows = [{**row, "id": f"p{number}"} for number, row in enumerate(world.rows(40))]
    answer = predictor.predict("delays", rows)
    assert [one.id for one in answer.predictions] == [f"p{number}" for number in range(40)]
    for one in answer.predictions:
        expected = ("canary", second, 0.25) if in_canary(one.id, 0.4) else ("champion", None, 0.5)
        assert (one.arm, one.version, one.score) == expected
    entries = logged(platform)
    arms = dict(zip(column(entries, "prediction_id"), column(entries, "arm"), strict=True))
    assert arms == {one.id: one.arm for one in answer.predictions}
    assert set(column(entries, "model_version")) == {first, second}
    flights = dict(zip(column(entries, "prediction_id"), column(entries, "flight_id"), strict=True))
    assert flights == {f"p{number}": f"UA{number}" for number in range(40)}


def test_a_shadow_is_logged_and_never_answers(platform: Platform, predictor: Predictor) -> None:
    champion(platform)
    shadow = world.register(platform, level=0.25)
    world.registry(platform).set_shadows("delays", [shadow], who="test", why="for the test")
    answer = predictor.predict("delays", [{**world.ROW, "id": "mine"}])
    assert answer.predictions[0].score == 0.5
    entries = logged(platform)
    assert column(entries, "prediction_id") == ["mine", "mine"]
    assert column(entries, "arm") == ["champion", "shadow"]
    assert column(entries, "score") == [0.5, 0.25]


def test_a_shadow_that_cannot_be_loaded_or_score_changes_nothing(platform: Platform, predictor: Predictor) -> None:
    champion(platform)
    gone = world.register(platform, level=0.25)
    blind = world.register(platform, output="nothing")
    platform.blobs.delete(f"{world.registry(platform).version('delays', gone).source}/model.onnx")
    world.registry(platform).set_shadows("delays", [gone, blind], who="test", why="for the test")
    assert predictor.predict("delays", world.rows(1)).predictions[0].score == 0.5
    assert f"version {gone} is left out" in predictor.serving("delays").problems[0]
    assert column(logged(platform), "arm") == ["champion"]
    platform.telemetry.flush()
    counted = {series.name: series.total for series in platform.telemetry.read()}
    assert counted["shadow_failures"] == 1
