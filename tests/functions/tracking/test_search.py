import pytest

from loopwright.ports import Platform
from loopwright.tracking import DatasetInput, Metric, Tracking
from tests.functions.tracking.api import Api, RefusedError, Told

WRONG = (400, "INVALID_PARAMETER_VALUE")


def runs(api: Api, experiment: str, **asked: Told) -> list[str]:
    found = api.post("runs/search", experiment_ids=[experiment], **asked)
    return [one["info"]["run_name"] for one in found.get("runs", [])]


@pytest.fixture
def experiment(api: Api) -> str:
    experiment = api.experiment()
    for number in range(5):
        run_id = api.run(experiment, run_name=f"run{number}", start_time=1_000 + number)
        api.post("runs/log-metric", run_id=run_id, key="auc", value=number / 10, timestamp=1, step=0)
    return experiment


def test_runs_are_told_as_when_they_are_read_one_by_one(api: Api, platform: Platform) -> None:
    run_id = api.run(api.experiment(), run_name="first", start_time=1_000)
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    dataset = DatasetInput("flights", "abc", "here", context="training", schema="{}", profile="{}")
    tracking.log_inputs(run_id, [dataset])
    found: Told = {}
    for step, value in enumerate((float("nan"), 0.5, float("inf"))):
        tracking.log_batch(run_id, metrics=[Metric("auc", value, 1.0, step)], tags={"step": str(step)})
        for _ in range(2):
            (found,) = api.post("runs/search", experiment_ids=[api.look(run_id)["info"]["experiment_id"]])["runs"]
            assert found == api.look(run_id)
    api.post("runs/delete", run_id=run_id)
    (found,) = api.post("runs/search", experiment_ids=[found["info"]["experiment_id"]], run_view_type="DELETED_ONLY")[
        "runs"
    ]
    assert found == api.look(run_id)
    assert found["info"]["lifecycle_stage"] == "deleted"


def test_a_page_has_a_token_as_long_as_there_is_another(api: Api, experiment: str) -> None:
    asked = {"experiment_ids": [experiment], "max_results": 2, "order_by": ["metrics.auc DESC"]}
    names, token = [], ""
    for size in (2, 2, 1):
        page = api.post("runs/search", **asked, page_token=token)
        assert len(page["runs"]) == size
        names += [one["info"]["run_name"] for one in page["runs"]]
        token = page.get("next_page_token", "")
    assert (names, token) == (["run4", "run3", "run2", "run1", "run0"], "")


def test_a_search_that_finds_nothing_tells_nothing(api: Api, experiment: str) -> None:
    assert api.post("runs/search", experiment_ids=[experiment], filter="metrics.auc > 1") == {}
    assert api.post("runs/search") == {}
    assert api.post("experiments/search", max_results=1, filter="name = 'none'") == {}


@pytest.mark.parametrize(
    ("view", "shown"),
    [("ACTIVE_ONLY", 4), ("DELETED_ONLY", 1), ("ALL", 5), (1, 4), (2, 1), (3, 5), ("3", 5)],
)
def test_views_have_names_and_numbers(api: Api, experiment: str, view: str | int, shown: int) -> None:
    (gone,) = api.post("runs/search", experiment_ids=[experiment], filter="run_name = 'run2'")["runs"]
    api.post("runs/delete", run_id=gone["info"]["run_id"])
    assert len(runs(api, experiment, run_view_type=view)) == shown


def test_experiments_are_searched_by_get_and_by_post(api: Api) -> None:
    for name in ("flights", "trains", "ferries"):
        api.experiment(name, tags=[{"key": "team", "value": name[:1]}])
    asked = {"max_results": 2, "filter": "tags.team = 'f'", "order_by": ["name ASC"], "view_type": "ALL"}
    for found in (api.post("experiments/search", **asked), api.get("experiments/search", **asked)):
        assert [one["name"] for one in found["experiments"]] == ["ferries", "flights"]
        assert "next_page_token" not in found


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("runs/search", {"filter": "metrics.auc > 'x'"}),
        ("runs/search", {"order_by": ["foo"]}),
        ("runs/search", {"max_results": 0}),
        ("runs/search", {"max_results": 50_001}),
        ("runs/search", {"run_view_type": "SOME"}),
        ("runs/search", {"page_token": "x"}),
        ("experiments/search", {"max_results": 1, "filter": "status = 'x'"}),
        ("experiments/search", {}),
    ],
)
def test_what_mlflow_would_not_take_is_refused(api: Api, path: str, asked: dict[str, Told]) -> None:
    assert api.refusal("POST", path, **asked) == WRONG


def test_a_refusal_tells_what_is_wrong_with_a_filter(api: Api) -> None:
    with pytest.raises(RefusedError, match="wanted a number instead of 'x'"):
        api.post("runs/search", filter="metrics.auc > 'x'")
