from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.tracking import Metric
from loopwright.tracking.histories import thinned
from tests.functions.tracking.api import Api, Told

WRONG = (400, "INVALID_PARAMETER_VALUE")
HISTORY = "metrics/get-history"
BULK = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
INTERVAL = "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"


def log(api: Api, run_id: str, *points: tuple[int, float | str, int]) -> None:
    metrics = [{"key": "auc", "step": step, "value": value, "timestamp": moment} for step, value, moment in points]
    api.post("runs/log-batch", run_id=run_id, metrics=metrics)


def places(told: Told) -> list[tuple[int, float | str, int]]:
    return [(one["step"], one["value"], one["timestamp"]) for one in told.get("metrics", [])]


def test_a_history_is_sorted_by_time_step_and_value_and_holds_a_point_once(api: Api, run_id: str) -> None:
    log(api, run_id, (1, 0.5, 3), (2, 0.5, 1), (2, 0.25, 1), (2, "NaN", 1), (2, -1.0, 1), (1, 0.5, 3))
    assert places(api.get(HISTORY, run_id=run_id, metric_key="auc")) == [
        (2, -1.0, 1), (2, "NaN", 1), (2, 0.25, 1), (2, 0.5, 1), (1, 0.5, 3),
    ]  # fmt: skip


def test_a_history_comes_in_pages(api: Api, run_id: str) -> None:
    log(api, run_id, *((step, step / 10, step) for step in range(7)))
    found: list[int] = []
    token: dict[str, str] = {}
    while True:
        page = api.get(HISTORY, run_id=run_id, metric_key="auc", max_results=3, **token)
        found += [step for step, _, _ in places(page)]
        if "next_page_token" not in page:
            break
        assert len(page["metrics"]) == 3
        token = {"page_token": page["next_page_token"]}
    assert found == list(range(7))
    for told in ({"max_results": 0}, {"page_token": "zz"}, {"page_token": "e30="}):
        assert api.refusal("GET", HISTORY, run_id=run_id, metric_key="auc", **told) == WRONG


def test_what_was_never_logged_has_no_history(api: Api, run_id: str) -> None:
    assert api.get(HISTORY, run_id=run_id, metric_key="auc") == {}
    assert api.get(HISTORY, run_id="nobody", metric_key="auc") == {}
    assert api.refusal("GET", HISTORY, run_id=run_id) == WRONG
    assert api.refusal("GET", HISTORY, metric_key="auc") == WRONG


def test_the_ui_gets_several_runs_at_once(api: Api, run_id: str) -> None:
    other = api.run(api.experiment("other"))
    log(api, run_id, (0, 0.5, 1), (1, 0.6, 2))
    log(api, other, (0, 0.7, 1))
    first, second = sorted((run_id, other))
    told = api.get(BULK, run_id=[second, first], metric_key="auc")
    assert [one["run_id"] for one in told["metrics"]] == sorted([run_id, run_id, other])
    assert len(api.get(BULK, run_id=[second, first], metric_key="auc", max_results=2)["metrics"]) == 2
    assert api.get(BULK, run_id="nobody", metric_key="auc") == {"metrics": []}
    assert api.refusal("GET", BULK, metric_key="auc") == WRONG
    assert api.refusal("GET", BULK, run_id=run_id) == WRONG
    assert api.refusal("GET", BULK, run_id=["a"] * 101, metric_key="auc") == WRONG


def test_a_chart_gets_points_between_two_steps_and_not_too_many(api: Api, run_id: str) -> None:
    log(api, run_id, *((step, step / 10, 1) for step in range(10)))
    whole = api.get(INTERVAL, run_ids=run_id, metric_key="auc")
    assert [one["run_id"] for one in whole["metrics"]] == [run_id] * 10
    few = api.get(INTERVAL, run_ids=run_id, metric_key="auc", max_results=3)
    assert [step for step, _, _ in places(few)] == [0, 4, 9]
    within = api.get(INTERVAL, run_ids=run_id, metric_key="auc", start_step=2, end_step=4)
    assert [step for step, _, _ in places(within)] == [2, 3, 4]


@pytest.mark.parametrize(
    "told",
    [
        {"run_ids": []},
        {"run_ids": ["a"] * 101},
        {"max_results": 0},
        {"max_results": 2_501},
        {"start_step": 1},
        {"end_step": 1},
        {"start_step": 2, "end_step": 1},
        {"start_step": "one", "end_step": 1},
    ],
)
def test_a_chart_asks_within_limits(api: Api, run_id: str, told: dict[str, Any]) -> None:
    assert api.refusal("GET", INTERVAL, **({"run_ids": run_id, "metric_key": "auc"} | told)) == WRONG


@given(st.lists(st.integers(-50, 50), unique=True), st.integers(1, 60))
def test_thinning_keeps_the_ends_and_the_order(steps: list[int], most: int) -> None:
    found = [one.step for one in thinned([Metric("auc", 0.5, 1.0, step) for step in steps], most)]
    ranked = sorted(steps)
    assert len(found) == min(most, len(steps))
    assert found == sorted(found)
    assert set(found) <= set(steps)
    if found:
        assert found[-1] == ranked[-1]
    if len(found) > 1:
        assert found[0] == ranked[0]
    assert len(steps) > most or found == ranked
