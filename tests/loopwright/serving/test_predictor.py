import math
from collections.abc import Callable

import numpy as np
import pytest

from loopwright.errors import DefinitionError, IntegrityError, InvalidInputError, NotFoundError, UnavailableError
from loopwright.ports import Platform
from loopwright.serving.predictor import Predictor
from tests.airport import world
from tests.airport.faults import Faulty, FullQueue, Switch
from tests.loopwright.serving.answering import champion, column, logged


class Ticks:
    """A timer that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def predictor(platform: Platform, ticks: Ticks) -> Predictor:
    return Predictor(platform, world.project(), refresh=5.0, timer=ticks)


def test_rows_are_answered_in_their_order_with_ids_version_and_ages(platform: Platform, predictor: Predictor) -> None:
    version = champion(platform)
    rows = [{**world.ROW, "id": "far", "distance": 2000}, {**world.ROW, "distance": 200, "origin": "LGA"}]
    answer = predictor.predict("delays", rows)
    assert (answer.model, answer.version) == ("delays", version)
    far, near = answer.predictions
    assert (far.id, far.score, far.prediction) == ("far", 1.0, "1")
    assert (near.score, near.prediction) == (0.0, "0")  # nobody knows the weather at LGA
    assert near.id
    assert answer.ages["weather"][0] == pytest.approx(60, abs=5)
    assert math.isnan(answer.ages["weather"][1])


def test_what_was_answered_is_logged_with_everything_the_model_saw(platform: Platform, predictor: Predictor) -> None:
    champion(platform)
    before = platform.clock()
    answer = predictor.predict("delays", [{**world.ROW, "id": "mine", "seats": None}])
    (entry,) = logged(platform)
    assert entry.table == "predictions/delays"
    row = {name: values[0] for name, values in entry.columns.items()}
    assert row["prediction_id"] == "mine"
    assert row["arm"] == "champion"
    assert row["score"] == answer.predictions[0].score
    assert row["origin"] == "JFK"
    assert row["wind"] == 12.0
    assert row["sky"] == "grey"
    assert math.isnan(row["seats"])
    assert row["night"] == 0.0
    assert row["scheduled"] == np.datetime64("2013-03-01T12:00:00")
    assert row["weather__age"] == pytest.approx(60, abs=5)
    assert row["predicted_at"].astype(float) / 1e6 == pytest.approx(before, abs=5)
    assert entry.types["seats"] == "int"
    assert entry.types["night"] == "bool"


def test_weather_that_is_too_old_is_served_as_null_and_its_age_told(platform: Platform, predictor: Predictor) -> None:
    champion(platform)
    world.report_weather(platform, age=7 * 3600, origin="EWR")
    answer = predictor.predict("delays", [{**world.ROW, "origin": "EWR"}])
    assert answer.predictions[0].score == 0.0
    assert answer.ages["weather"][0] == pytest.approx(7 * 3600, abs=5)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({**world.ROW, "distance": "far"}, "distance"),
        ({**world.ROW, "distance": float("nan")}, "distance"),
        ({**world.ROW, "distance": float("inf")}, "distance"),
        ({**world.ROW, "colour": "red"}, "colour"),
        ({name: value for name, value in world.ROW.items() if name != "origin"}, "origin"),
        ({**world.ROW, "night": None}, "night"),
    ],
)
def test_rows_that_do_not_fit_are_named_and_nothing_is_logged(
    platform: Platform, predictor: Predictor, row: dict[str, object], problem: str
) -> None:
    champion(platform)
    with pytest.raises(InvalidInputError) as caught:
        predictor.predict("delays", [dict(world.ROW), dict(row)])
    assert any("row 1" in one and problem in one for one in caught.value.problems)
    assert not logged(platform)


def test_values_out_of_range_and_unknown_categories_are_served(platform: Platform, predictor: Predictor) -> None:
    champion(platform)
    answer = predictor.predict("delays", [{**world.ROW, "distance": 9_999, "origin": "SFO"}])
    assert len(answer.predictions) == 1


def test_no_rows_are_refused(platform: Platform, predictor: Predictor) -> None:
    champion(platform)
    with pytest.raises(InvalidInputError, match="at least one"):
        predictor.predict("delays", [])


def test_a_warm_predictor_answers_by_the_champion_it_has_and_a_failed_warming_is_told_to_the_request(
    platform: Platform, predictor: Predictor
) -> None:
    predictor.warm()
    with pytest.raises(UnavailableError, match="loopwright train"):
        predictor.predict("delays", world.rows(1))
    world.crown(platform, world.register(platform))
    predictor.warm()
    for info in list(platform.blobs.list()):
        platform.blobs.delete(info.key)
    assert len(predictor.predict("delays", world.rows(1)).predictions) == 1


def test_a_model_that_the_project_lacks_is_not_found(predictor: Predictor) -> None:
    with pytest.raises(NotFoundError, match="it has delays"):
        predictor.predict("fares", world.rows(1))


def test_without_a_champion_the_answer_says_to_train(predictor: Predictor) -> None:
    with pytest.raises(UnavailableError, match="no champion yet: train it with `loopwright train --model delays`"):
        predictor.predict("delays", world.rows(1))


def test_a_promotion_is_served_after_the_refresh_or_at_once_when_told(
    platform: Platform, predictor: Predictor, ticks: Ticks
) -> None:
    first = champion(platform)
    assert predictor.predict("delays", world.rows(1)).version == first
    second = champion(platform, level=0.25)
    ticks.now = 4.9
    assert predictor.predict("delays", world.rows(1)).version == first
    ticks.now = 5.1
    assert predictor.predict("delays", world.rows(1)).version == second
    third = champion(platform, level=0.125)
    predictor.refresh("delays")
    answer = predictor.predict("delays", world.rows(1))
    assert (answer.version, answer.predictions[0].score) == (third, 0.125)


def test_other_features_than_those_of_training_are_refused_by_both_digests(
    platform: Platform, predictor: Predictor
) -> None:
    world.crown(platform, world.register(platform, digest="sha256:another"))
    with pytest.raises(DefinitionError, match=r"features sha256:another, the project defines sha256:[0-9a-f]{64}: dep"):
        predictor.predict("delays", world.rows(1))


def tampered(platform: Platform) -> int:
    version = champion(platform, level=0.25)
    source = world.registry(platform).version("delays", version).source
    platform.blobs.put(f"{source}/model.onnx", world.model_bytes(1.0))
    return version


def test_a_tampered_model_never_answers(platform: Platform, predictor: Predictor) -> None:
    tampered(platform)
    with pytest.raises(IntegrityError, match="was changed after it was written"):
        predictor.predict("delays", world.rows(1))


@pytest.mark.parametrize("spoil", [tampered, world.crown_other_features])
def test_the_champion_of_before_goes_on_while_its_successor_is_spoilt(
    platform: Platform, predictor: Predictor, ticks: Ticks, spoil: Callable[[Platform], int]
) -> None:
    first = champion(platform)
    predictor.predict("delays", world.rows(1))
    spoilt = spoil(platform)
    ticks.now += 6
    assert predictor.predict("delays", world.rows(1)).version == first
    (problem,) = predictor.serving("delays").problems
    assert problem.startswith(f"champion {spoilt} is not served, {first} is: ")
    third = champion(platform)
    ticks.now += 6
    assert predictor.predict("delays", world.rows(1)).version == third
    assert not predictor.serving("delays").problems


def test_a_large_batch_is_logged_in_several_messages(platform: Platform, predictor: Predictor) -> None:
    champion(platform)
    answer = predictor.predict("delays", world.rows(5_000))
    entries = logged(platform)
    assert len(entries) > 1
    assert column(entries, "prediction_id") == [one.id for one in answer.predictions]


def test_what_cannot_be_logged_is_refused(platform: Platform) -> None:
    champion(platform)
    switch = Switch()
    predictor = Predictor(Faulty(platform, queue=FullQueue(platform.queue, switch)), world.project())
    with pytest.raises(UnavailableError, match="cannot be logged now and are refused: the disk is full"):
        predictor.predict("delays", world.rows(1))
    switch.broken = False
    assert len(predictor.predict("delays", world.rows(1)).predictions) == 1


def test_requests_together_get_what_each_would_get_alone(platform: Platform, predictor: Predictor) -> None:
    champion(platform)
    first = [{**world.ROW, "id": "a"}, {**world.ROW, "id": "b", "origin": "LGA"}]
    second = [{**world.ROW, "id": "a", "distance": 500}]  # an id may repeat in another request
    one, other = predictor.predict_together("delays", [first, second])
    assert [(row.id, row.score) for row in one.predictions] == [("a", 0.5), ("b", 0.0)]
    assert [(row.id, row.score) for row in other.predictions] == [("a", 0.25)]
    assert (len(one.ages["weather"]), len(other.ages["weather"])) == (2, 1)
    assert len(logged(platform)) == 1


def test_what_is_wrong_with_one_of_the_requests_is_raised_for_all(platform: Platform, predictor: Predictor) -> None:
    champion(platform)
    with pytest.raises(InvalidInputError):
        predictor.predict_together("delays", [world.rows(1), [{**world.ROW, "distance": "far"}]])
    assert not logged(platform)
