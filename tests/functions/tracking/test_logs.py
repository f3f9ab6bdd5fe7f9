from typing import Any

import msgspec
import pytest

from tests.functions.tracking.api import Api

GONE = (404, "RESOURCE_DOES_NOT_EXIST")
WRONG = (400, "INVALID_PARAMETER_VALUE")


def point(value: object, *, step: int = 0, timestamp: int = 1, key: str = "auc") -> dict[str, Any]:
    return {"key": key, "value": value, "timestamp": timestamp, "step": step}


def test_a_batch_logs_everything(api: Api, run_id: str) -> None:
    told = {
        "metrics": [point(0.5), point("NaN", key="loss")],
        "params": [{"key": "depth", "value": "3"}, {"key": "empty"}],
        "tags": [{"key": "a", "value": "b"}],
    }
    assert api.post("runs/log-batch", run_id=run_id, **told) == {}
    data = api.look(run_id)["data"]
    assert data["metrics"] == told["metrics"]
    assert data["params"] == [{"key": "depth", "value": "3"}, {"key": "empty", "value": ""}]
    assert {"key": "a", "value": "b"} in data["tags"]


def test_single_calls_do_the_same(api: Api, run_id: str) -> None:
    api.post("runs/log-metric", run_uuid=run_id, **point("0.25", step=3))
    api.post("runs/log-parameter", run_id=run_id, key="depth", value="3")
    api.post("runs/set-tag", run_id=run_id, key="a", value="b")
    data = api.look(run_id)["data"]
    assert data["metrics"] == [point(0.25, step=3)]
    assert data["params"] == [{"key": "depth", "value": "3"}]
    api.post("runs/delete-tag", run_id=run_id, key="a")
    assert api.look(run_id)["data"]["tags"] == [{"key": "mlflow.runName", "value": "first"}]
    assert api.refusal("POST", "runs/delete-tag", run_id=run_id, key="a") == GONE


def test_a_param_never_changes(api: Api, run_id: str) -> None:
    for _ in range(2):
        api.post("runs/log-parameter", run_id=run_id, key="depth", value="3")
    assert api.refusal("POST", "runs/log-parameter", run_id=run_id, key="depth", value="4") == WRONG
    batch = {"params": [{"key": "depth", "value": "4"}], "metrics": [point(1)], "tags": [{"key": "a"}]}
    assert api.refusal("POST", "runs/log-batch", run_id=run_id, **batch) == WRONG
    assert api.look(run_id)["data"].get("metrics") is None


def test_long_texts_are_cut_as_mlflow_cuts_them(api: Api, run_id: str) -> None:
    api.post("runs/log-parameter", run_id=run_id, key="long", value="x" * 6_001)
    api.post("runs/log-parameter", run_id=run_id, key="long", value="x" * 7_000)
    api.post("runs/set-tag", run_id=run_id, key="long", value="x" * 8_001)
    data = api.look(run_id)["data"]
    assert data["params"] == [{"key": "long", "value": "x" * 6_000}]
    assert {"key": "long", "value": "x" * 8_000} in data["tags"]


@pytest.mark.parametrize(
    "batch",
    [
        {"metrics": [point(1)] * 1_001},
        {"params": [{"key": f"p{number}"} for number in range(101)]},
        {"tags": [{"key": f"t{number}"} for number in range(101)]},
        {"metrics": [point(1)] * 950, "tags": [{"key": f"t{number}"} for number in range(51)]},
        {"params": [{"key": "a", "value": "1"}, {"key": "a", "value": "1"}]},
        {"metrics": [point(1, timestamp=-1)]},
        {"metrics": [point("much")]},
        {"metrics": [point(1, step=2**63)]},
        {"metrics": [point(1, timestamp=10**400)]},
        {"metrics": [{"key": "auc", "value": 1}]},
        {"metrics": [{"key": "auc", "timestamp": 1}]},
        {"metrics": [point(1, key="../up")]},
        {"metrics": 5},
        {"params": [{"value": "1"}]},
        {"tags": [{"key": "k" * 251}]},
    ],
)
def test_a_batch_that_is_too_much_or_none_is_refused_whole(api: Api, run_id: str, batch: dict[str, Any]) -> None:
    before = api.look(run_id)
    assert api.refusal("POST", "runs/log-batch", run_id=run_id, **batch) == WRONG
    assert api.look(run_id) == before


def test_infinity_is_kept(api: Api, run_id: str) -> None:
    api.post("runs/log-batch", run_id=run_id, metrics=[point("Infinity"), point("-Infinity", key="loss")])
    assert [one["value"] for one in api.look(run_id)["data"]["metrics"]] == ["Infinity", "-Infinity"]


def test_a_point_may_say_something_about_a_model(api: Api, run_id: str) -> None:
    experiment = api.look(run_id)["info"]["experiment_id"]
    model = api.post("logged-models", experiment_id=experiment, name="forest")["model"]["info"]["model_id"]
    told = {**point(0.5), "model_id": model, "dataset_name": "flights", "dataset_digest": "1"}
    api.post("runs/log-batch", run_id=run_id, metrics=[told])
    api.post("runs/log-metric", run_id=run_id, **told)
    assert api.look(run_id)["data"]["metrics"] == [point(0.5)]
    assert api.get(f"logged-models/{model}")["model"]["data"]["metrics"] == [{**told, "run_id": run_id}]


def test_of_a_model_that_there_is_not_nothing_is_logged(api: Api, run_id: str) -> None:
    assert api.refusal("POST", "runs/log-batch", run_id=run_id, metrics=[{**point(1), "model_id": "m-9"}]) == GONE
    assert "metrics" not in api.look(run_id)["data"]


def test_the_old_call_about_models_fills_a_tag(api: Api, run_id: str) -> None:
    flavors = {"sklearn": {"pickled_model": "model.pkl", "config": {}}, "python_function": {"config": {"a": 1}}}
    model = {"run_id": run_id, "artifact_path": "model", "utc_time_created": "now", "flavors": flavors, "extra": 1}
    for _ in range(2):
        api.post("runs/log-model", run_id=run_id, model_json=msgspec.json.encode(model).decode())
    tags = {one["key"]: one["value"] for one in api.look(run_id)["data"]["tags"]}
    first, second = msgspec.json.decode(tags["mlflow.log-model.history"])
    assert first == second
    assert first["flavors"] == {"sklearn": {"pickled_model": "model.pkl"}, "python_function": {}}
    assert "extra" not in first
    for wrong in ("{", "{}", '{"run_id": "a", "artifact_path": "b", "flavors": {}}'):
        assert api.refusal("POST", "runs/log-model", run_id=run_id, model_json=wrong) == WRONG
