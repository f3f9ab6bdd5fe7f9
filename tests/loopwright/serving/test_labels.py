from dataclasses import replace

import numpy as np
import pytest

from loopwright.definitions import Gate, Label, Project
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.ports import Platform
from loopwright.serving.labels import LabelRow, Labels
from loopwright.serving.log import decode
from tests.airport import world

MODELS = (
    world.delays(),
    replace(world.delays(), name="minutes", task="regression", metrics=(), gate=Gate("rmse"), label=Label("minutes")),
    replace(world.delays(), name="reasons", task="multiclass", metrics=(), gate=Gate("accuracy"), label=Label("why")),
)


@pytest.fixture
def labels(platform: Platform) -> Labels:
    return Labels(platform, Project("airport", MODELS))


def landed(platform: Platform) -> list[object]:
    messages = platform.queue.receive("labels", limit=100)
    return [value for message in messages for value in decode(message.body).columns["label"].tolist()]


@pytest.mark.parametrize(
    ("model", "given", "kept"),
    [
        ("delays", [0, 1, 0.0, 1.0, False, True, "late"], [0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0]),
        ("minutes", [-3, 7.25, 1e9], [-3.0, 7.25, 1e9]),
        ("reasons", ["weather", 7], ["weather", "7"]),
    ],
)
def test_a_label_is_taken_as_the_task_means_it(
    platform: Platform, labels: Labels, model: str, given: list[float | str], kept: list[float | str]
) -> None:
    assert labels.accept(model, [LabelRow(f"p{number}", one) for number, one in enumerate(given)]) == len(given)
    assert landed(platform) == kept


@pytest.mark.parametrize(
    ("model", "wrong", "wanted"),
    [
        ("delays", 2, "wanted 0, 1, false, true or 'late', got 2"),
        ("delays", 0.5, "wanted 0, 1, false, true or 'late', got 0.5"),
        ("delays", "yes", "wanted 0, 1, false, true or 'late', got 'yes'"),
        ("minutes", True, "wanted a finite number, got True"),
        ("minutes", "7", "wanted a finite number, got '7'"),
        ("minutes", float("inf"), "wanted a finite number, got inf"),
        ("reasons", "", "wanted a class: a text or a whole number, got ''"),
        ("reasons", 1.5, "wanted a class: a text or a whole number, got 1.5"),
    ],
)
def test_a_label_of_another_kind_is_refused_and_none_is_taken(
    platform: Platform, labels: Labels, model: str, wrong: float | str, wanted: str
) -> None:
    good: float | str = "weather" if model == "reasons" else 1
    with pytest.raises(InvalidInputError) as caught:
        labels.accept(model, [LabelRow("a", good), LabelRow("b", wrong)])
    assert caught.value.problems == (f"label 1, label: {wanted}",)
    assert landed(platform) == []


def test_ids_and_moments_are_checked_too(labels: Labels) -> None:
    with pytest.raises(InvalidInputError) as caught:
        labels.accept("delays", [LabelRow("", 1), LabelRow("b", 1, "yesterday"), LabelRow("c", 1, 1e300)])
    assert [one.split(":")[0] for one in caught.value.problems] == ["label 0, id", "label 1, at", "label 2, at"]


def test_a_label_from_the_far_future_is_refused_because_none_could_ever_correct_it(
    platform: Platform, labels: Labels
) -> None:
    soon = platform.clock() + 3600
    assert labels.accept("delays", [LabelRow("p1", 1, soon)]) == 1
    with pytest.raises(InvalidInputError) as caught:
        labels.accept("delays", [LabelRow("p1", 1, "9998-01-01T00:00:00Z")])
    assert caught.value.problems == (
        "label 0, at: '9998-01-01T00:00:00Z' is to come; a label tells of what has happened",
    )


def test_a_label_was_known_when_it_says_or_now(platform: Platform, labels: Labels) -> None:
    before = platform.clock()
    labels.accept("delays", [LabelRow("a", 1, "2013-03-01T12:00:00Z"), LabelRow("b", 1, 5.5), LabelRow("c", 1)])
    (message,) = platform.queue.receive("labels")
    entry = decode(message.body)
    assert entry.table == "labels/delays"
    known = entry.columns["labeled_at"]
    assert known[0] == np.datetime64("2013-03-01T12:00:00")
    assert known[1] == np.datetime64("1970-01-01T00:00:05.5")
    assert known[2] == entry.columns["received_at"][2]
    assert known[2].astype(float) / 1e6 == pytest.approx(before, abs=5)


def test_no_labels_and_unknown_models_are_refused(labels: Labels) -> None:
    with pytest.raises(InvalidInputError, match="at least one"):
        labels.accept("delays", [])
    with pytest.raises(NotFoundError, match="it has delays"):
        labels.accept("fares", [LabelRow("a", 1)])
