import json

import pytest

from functions.application import compose
from functions.predict.app import build, create_app
from loopwright.ports import Platform
from loopwright.serving.predictor import Predictor
from tests.airport import world
from tests.airport.caller import Answered, Caller
from tests.airport.faults import Faulty, FullQueue, Switch

PROBLEM = "application/problem+json"


@pytest.fixture
def caller(platform: Platform) -> Caller:
    world.crown(platform, world.register(platform))
    return Caller(create_app(platform, world.project()))


def predict(caller: Caller, body: object, model: str = "delays") -> Answered:
    return caller.post(f"/models/{model}/predict", body)


def test_one_row_is_answered(caller: Caller) -> None:
    answer = predict(caller, {"row": {**world.ROW, "id": "mine"}})
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert answer.body["predictions"] == [{"id": "mine", "score": 0.5, "prediction": "1"}]
    assert answer.body["version"] == 1
    assert answer.body["ages"]["weather"][0] == pytest.approx(60, abs=5)


def test_many_rows_are_answered_in_their_order(caller: Caller) -> None:
    rows = [{**world.ROW, "distance": 100 * number} for number in range(1, 301)]
    answer = predict(caller, {"rows": rows})
    scores = [one["score"] for one in answer.body["predictions"]]
    assert scores == pytest.approx([number / 20 for number in range(1, 301)], rel=1e-6)
    assert len({one["id"] for one in answer.body["predictions"]}) == 300


def test_an_entity_without_features_has_the_age_null(caller: Caller) -> None:
    assert predict(caller, {"row": {**world.ROW, "origin": "LGA"}}).body["ages"] == {"weather": [None]}


def test_who_answered_is_told_when_it_was_the_canary(platform: Platform, caller: Caller) -> None:
    canary = world.register(platform, level=0.25)
    world.registry(platform).set_canary("delays", canary, 1.0, who="test", why="for the test")
    (answer,) = predict(caller, {"row": world.ROW}).body["predictions"]
    assert (answer["arm"], answer["version"], answer["score"]) == ("canary", canary, 0.25)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not the JSON"),
        (b'{"rows": [', "not the JSON"),
        (b'{"row": {"distance": NaN}}', "not the JSON"),
        (b'{"row": {"distance": Infinity}}', "not the JSON"),
        (b"\xff\xfe{}", "not the JSON"),
        (b"[]", "not the JSON"),
        ({"lines": []}, "unknown field `lines`"),
        ({"rows": ["a"]}, "$.rows[0]"),
        ({}, "either `rows`"),
        ({"row": world.ROW, "rows": []}, "either `rows`"),
        ({"rows": []}, "at least one"),
    ],
)
def test_a_malformed_or_empty_body_is_a_problem_that_says_what_is_wanted(
    caller: Caller, body: object, words: str
) -> None:
    answer = predict(caller, body)
    assert (answer.status, answer.content_type) == (400, PROBLEM)
    assert answer.body["status"] == 400
    assert words in answer.body["detail"]


def test_every_wrong_value_is_named_with_its_row_and_field(caller: Caller) -> None:
    rows = [
        world.ROW,
        {**world.ROW, "distance": "far", "colour": "red"},
        {**world.ROW, "night": 3, "seats": 1.5},
        {name: value for name, value in world.ROW.items() if name != "origin"},
        {**world.ROW, "distance": [1]},
    ]
    answer = predict(caller, {"rows": rows})
    assert answer.status == 400
    told = answer.body["problems"]
    for row, field in [(1, "distance"), (1, "colour"), (2, "night"), (2, "seats"), (3, "origin"), (4, "distance")]:
        assert any(f"row {row}" in one and field in one for one in told), (row, field)


def test_nesting_without_an_end_is_a_problem_and_no_accident(caller: Caller) -> None:
    answer = predict(caller, b'{"row":{"distance":' + b"[" * 100_000 + b"]" * 100_000 + b"}}")
    assert (answer.status, answer.content_type) == (400, PROBLEM)
    assert "recursion" in answer.body["detail"]


def test_numbers_that_no_float_holds_are_refused(caller: Caller) -> None:
    body = json.dumps({"row": {**world.ROW, "distance": 0}}).replace('"distance": 0', '"distance": 1e999')
    assert predict(caller, body.encode()).status == 400
    assert predict(caller, {"row": {**world.ROW, "distance": 10**400}}).status == 400


def test_repeated_ids_are_named(caller: Caller) -> None:
    answer = predict(caller, {"rows": [{**world.ROW, "id": "a"}, {**world.ROW, "id": "a"}]})
    assert answer.status == 400
    assert answer.body["problems"] == ["row 1, id: 'a' is row 0's already"]


def test_more_rows_than_one_request_may_have_are_sent_elsewhere(platform: Platform) -> None:
    world.crown(platform, world.register(platform))
    predictor = Predictor(platform, world.project())
    app = compose(world.project(), platform.telemetry, [build(platform, world.project(), predictor, row_limit=10)])
    answer = predict(Caller(app), {"rows": world.rows(11)})
    assert answer.status == 413
    assert "11 rows in one request; at most 10" in answer.body["detail"]
    assert "loopwright score" in answer.body["detail"]


def test_a_hundred_thousand_rows_are_refused_without_reading_them_all(caller: Caller) -> None:
    body = json.dumps({"rows": world.rows(100_000)}).encode()
    answer = predict(caller, body + b" " * (17_000_000 - len(body)))
    assert answer.status == 413
    assert "loopwright score" in answer.body["detail"]


def test_ten_thousand_rows_are_answered(caller: Caller) -> None:
    assert len(predict(caller, {"rows": world.rows(10_000)}).body["predictions"]) == 10_000


def test_a_model_that_is_not_there_and_a_path_that_is_not_there_are_not_found(caller: Caller) -> None:
    answer = predict(caller, {"row": world.ROW}, model="fares")
    assert (answer.status, answer.content_type) == (404, PROBLEM)
    assert "it has delays" in answer.body["detail"]
    answer = caller.get("/nowhere")
    assert (answer.status, answer.content_type) == (404, PROBLEM)


def test_another_method_is_a_problem_too(caller: Caller) -> None:
    answer = caller.get("/models/delays/predict")
    assert (answer.status, answer.content_type) == (405, PROBLEM)


def test_without_a_champion_it_is_alive_but_not_ready(platform: Platform) -> None:
    caller = Caller(create_app(platform, world.project()))
    answer = predict(caller, {"row": world.ROW})
    assert (answer.status, answer.content_type) == (503, PROBLEM)
    assert "loopwright train --model delays" in answer.body["detail"]
    health = caller.get("/health")
    assert health.status == 200
    assert health.body["ready"] is False
    assert "no champion yet" in health.body["models"]["delays"]["problems"][0]
    ready = caller.get("/health/ready")
    assert (ready.status, ready.content_type) == (503, PROBLEM)
    assert "no champion yet" in ready.body["problems"][0]


def test_with_a_champion_it_is_ready(caller: Caller) -> None:
    assert caller.get("/health/ready").status == 200
    health = caller.get("/health").body
    assert health == {"status": "ok", "ready": True, "models": {"delays": {"champion": 1, "problems": []}}}


def test_a_champion_with_other_features_is_a_problem_with_both_digests(platform: Platform) -> None:
    world.crown_other_features(platform)
    answer = predict(Caller(create_app(platform, world.project())), {"row": world.ROW})
    assert answer.status == 503
    assert "sha256:another" in answer.body["detail"]
    assert "train again" in answer.body["detail"]


def test_a_full_disk_is_a_problem_that_may_pass(platform: Platform) -> None:
    world.crown(platform, world.register(platform))
    switch = Switch()
    faulty = Faulty(platform, queue=FullQueue(platform.queue, switch))
    caller = Caller(create_app(faulty, world.project()))
    answer = predict(caller, {"row": world.ROW})
    assert (answer.status, answer.content_type) == (503, PROBLEM)
    assert "the disk is full" in answer.body["detail"]
    switch.broken = False
    assert predict(caller, {"row": world.ROW}).status == 200


def test_requests_are_counted_by_route_and_status(platform: Platform, caller: Caller) -> None:
    predict(caller, {"row": world.ROW})
    predict(caller, {"rows": world.rows(2)})
    predict(caller, b"")
    platform.telemetry.flush()
    series = {(one.name, one.labels.get("status")): one for one in platform.telemetry.read()}
    assert series["request_ms", "200"].count == 2
    assert series["request_ms", "400"].count == 1
    assert series["predictions", None].total == 3
    assert series["prediction_ms", None].count == 2


def test_calls_of_one_moment_are_logged_together_and_answered_each_by_itself(platform: Platform) -> None:
    world.crown(platform, world.register(platform))
    predictor = Predictor(platform, world.project())
    app = compose(world.project(), platform.telemetry, [build(platform, world.project(), predictor, together=True)])
    bodies = [{"row": {**world.ROW, "id": f"p{number}", "distance": 100 * number}} for number in range(8)]
    answers = Caller(app).post_together("/models/delays/predict", bodies)
    assert [answer.body["predictions"][0]["id"] for answer in answers] == [f"p{number}" for number in range(8)]
    assert [answer.body["predictions"][0]["score"] for answer in answers] == pytest.approx(
        [number / 20 for number in range(8)]
    )
    assert platform.queue.depth("predictions").ready < 8


def test_a_bad_call_spoils_no_other_of_its_moment(platform: Platform) -> None:
    world.crown(platform, world.register(platform))
    predictor = Predictor(platform, world.project())
    app = compose(world.project(), platform.telemetry, [build(platform, world.project(), predictor, together=True)])
    bodies = [{"row": world.ROW}, {"row": {**world.ROW, "distance": "far"}}, {}, {"row": world.ROW}]
    answers = Caller(app).post_together("/models/delays/predict", bodies)
    assert [answer.status for answer in answers] == [200, 400, 400, 200]
    assert "distance" in answers[1].body["problems"][0]
    assert "either `rows`" in answers[2].body["detail"]
