import pytest

from functions.features.app import create_app
from loopwright.ports import Platform
from tests.airport import world
from tests.airport.caller import Caller


@pytest.fixture
def caller(platform: Platform) -> Caller:
    return Caller(create_app(platform, world.project()))


def test_what_was_pushed_is_read_with_its_age(platform: Platform, caller: Caller) -> None:
    row = {"origin": "LGA", "hour": platform.clock() - 60, "wind": 30.5, "sky": None}
    assert caller.post("/features/weather/push", {"rows": [row]}).body == {"accepted": 1}
    answer = caller.post("/features/weather/read", {"keys": [{"origin": "LGA"}, {"origin": "SFO"}]})
    assert answer.body["features"] == {"wind": [30.5, None], "sky": [None, None]}
    assert answer.body["statuses"] == ["PRESENT", "NOT_FOUND"]
    assert answer.body["ages"][0] == pytest.approx(60, abs=5)
    assert answer.body["ages"][1] is None


def test_features_that_are_too_old_are_told_as_such(platform: Platform, caller: Caller) -> None:
    world.report_weather(platform, age=7 * 3600, origin="EWR")
    answer = caller.post("/features/weather/read", {"keys": [{"origin": "EWR"}]})
    assert answer.body["statuses"] == ["OUTSIDE_MAX_AGE"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("push", {"rows": []}),
        ("push", {"rows": [{"origin": "LGA"}]}),
        ("push", {"rows": [{"origin": "LGA", "hour": "noon", "wind": 1, "sky": "blue"}]}),
        ("read", {"keys": []}),
        ("read", {"keys": [{"origin": 7}]}),
        ("read", b"{"),
    ],
)
def test_what_does_not_fit_is_a_problem(caller: Caller, path: str, body: object) -> None:
    answer = caller.post(f"/features/weather/{path}", body)
    assert (answer.status, answer.content_type) == (400, "application/problem+json")


def test_too_many_rows_and_unknown_views_are_refused(caller: Caller) -> None:
    assert caller.post("/features/weather/read", {"keys": [{"origin": "JFK"}] * 10_001}).status == 413
    answer = caller.post("/features/tides/read", {"keys": [{"origin": "JFK"}]})
    assert answer.status == 404
    assert "it has weather" in answer.body["detail"]
