import pytest

from functions.application import compose
from functions.labels.app import build, create_app
from loopwright.ports import Platform
from loopwright.serving.collecting import collect
from tests.airport import world
from tests.airport.caller import Caller


@pytest.fixture
def caller(platform: Platform) -> Caller:
    return Caller(create_app(platform, world.project()))


def test_labels_are_accepted_and_land(platform: Platform, caller: Caller) -> None:
    labels = [{"id": "a", "label": True}, {"id": "b", "label": "late", "at": "2013-03-01T12:00:00Z"}]
    answer = caller.post("/models/delays/labels", {"labels": labels})
    assert (answer.status, answer.body) == (200, {"accepted": 2})
    collect(platform, world.project())
    assert platform.lake.read_columns("labels/delays")["label"].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "body",
    [b"", {"labels": []}, {"labels": [{"id": "a"}]}, {"labels": [{"id": 7, "label": 1}]}, {"rows": []}],
)
def test_a_body_of_another_kind_is_a_problem(caller: Caller, body: object) -> None:
    answer = caller.post("/models/delays/labels", body)
    assert (answer.status, answer.content_type) == (400, "application/problem+json")


def test_labels_that_do_not_fit_are_named(caller: Caller) -> None:
    answer = caller.post("/models/delays/labels", {"labels": [{"id": "a", "label": 1}, {"id": "b", "label": "no"}]})
    assert answer.status == 400
    assert answer.body["problems"] == ["label 1, label: wanted 0, 1, false, true or 'late', got 'no'"]


def test_too_many_labels_are_sent_in_parts(platform: Platform) -> None:
    app = compose(world.project(), platform.telemetry, [build(platform, world.project(), label_limit=2)])
    labels = [{"id": f"{number}", "label": 1} for number in range(3)]
    assert Caller(app).post("/models/delays/labels", {"labels": labels}).status == 413


def test_a_function_without_models_is_ready_as_soon_as_it_is_alive(caller: Caller) -> None:
    assert caller.get("/health/ready").status == 200
