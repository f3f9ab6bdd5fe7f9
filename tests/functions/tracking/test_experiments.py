from typing import Any

import pytest

from loopwright.ports import Platform
from loopwright.tracking import Tracking
from tests.functions.tracking.api import Api, RefusedError

GONE = (404, "RESOURCE_DOES_NOT_EXIST")
WRONG = (400, "INVALID_PARAMETER_VALUE")
TAKEN = (400, "RESOURCE_ALREADY_EXISTS")


def test_an_experiment_reads_back(api: Api) -> None:
    made = api.experiment("delays", tags=[{"key": "team", "value": "ops"}])
    told = api.get("experiments/get", experiment_id=made)["experiment"]
    assert told == api.get("experiments/get-by-name", experiment_name="delays")["experiment"]
    assert told["creation_time"] == told["last_update_time"]
    assert {name: told[name] for name in told if not name.endswith("_time")} == {
        "experiment_id": made,
        "name": "delays",
        "artifact_location": f"mlflow-artifacts:/{made}",
        "lifecycle_stage": "active",
        "workspace": "default",
        "tags": [{"key": "team", "value": "ops"}],
    }


def test_without_tags_none_are_told(api: Api) -> None:
    assert "tags" not in api.get("experiments/get", experiment_id=api.experiment())["experiment"]


def test_the_default_experiment_is_always_there(api: Api) -> None:
    assert api.get("experiments/get", experiment_id="0")["experiment"]["name"] == "Default"
    assert [one["name"] for one in api.post("experiments/search", max_results=5)["experiments"]] == ["Default"]
    assert api.refusal("POST", "experiments/create", name="Default") == TAKEN


def test_artifacts_may_be_put_elsewhere(api: Api) -> None:
    made = api.experiment("delays", artifact_location="s3://bucket/delays")
    run_id = api.run(made)
    told = api.get("runs/get", run_id=run_id)["run"]["info"]
    assert told["artifact_uri"] == f"s3://bucket/delays/{run_id}/artifacts"


@pytest.mark.parametrize(
    ("path", "body", "refused"),
    [
        ("create", {"name": "delays"}, TAKEN),
        ("create", {"name": "x", "tags": [{"key": "a"}, {"key": "a"}]}, TAKEN),
        ("create", {"name": ""}, WRONG),
        ("create", {"name": None}, WRONG),
        ("create", {"name": 3}, WRONG),
        ("create", {"name": "x" * 501}, WRONG),
        ("create", {"name": "x", "tags": [{"key": "a//b"}]}, WRONG),
        ("create", {"name": "x", "tags": "a"}, WRONG),
        ("create", {"name": "x", "artifact_location": "runs:/a/b"}, WRONG),
        ("update", {"experiment_id": "77", "new_name": "x"}, GONE),
        ("update", {"experiment_id": "77"}, WRONG),
        ("delete", {"experiment_id": "77"}, GONE),
        ("delete", {}, WRONG),
        ("restore", {"experiment_id": "77"}, GONE),
        ("set-experiment-tag", {"experiment_id": "77", "key": "a"}, GONE),
        ("set-experiment-tag", {"experiment_id": "77", "value": "a"}, WRONG),
        ("search-datasets", {"experiment_ids": []}, WRONG),
        ("search-datasets", {"experiment_ids": ["1"] * 21}, WRONG),
    ],
)
def test_what_mlflow_refuses_is_refused_with_its_code(
    api: Api, path: str, body: dict[str, Any], refused: tuple[int, str]
) -> None:
    api.experiment("delays")
    assert api.refusal("POST", f"experiments/{path}", **body) == refused


def test_what_is_missing_is_named_as_clients_know_it(api: Api) -> None:
    wanted = r"^Missing value for required parameter 'experiment_id'\. See the API docs"
    for told in ({}, {"experiment_id": ""}):
        with pytest.raises(RefusedError, match=wanted):
            api.get("experiments/get", **told)
    point = {"key": "auc", "value": 1}
    with pytest.raises(RefusedError, match=r"parameter 'metrics\[1\]\.timestamp'"):
        api.post("runs/log-batch", run_id="a", metrics=[{**point, "timestamp": 1}, point])


def test_what_is_null_is_as_if_it_were_not_there(api: Api) -> None:
    made = api.post("experiments/create", name="delays", artifact_location=None, tags=[{"key": "a", "value": None}])
    told = api.get("experiments/get", experiment_id=made["experiment_id"])["experiment"]
    assert told["tags"] == [{"key": "a", "value": ""}]


def test_unknown_names_and_identities_do_not_exist(api: Api) -> None:
    assert api.refusal("GET", "experiments/get", experiment_id="77") == GONE
    assert api.refusal("GET", "experiments/get-by-name", experiment_name="delays") == GONE
    assert api.refusal("GET", "experiments/get-by-name", experiment_name="x" * 501) == GONE


def test_a_deleted_experiment_is_read_and_neither_renamed_nor_tagged(api: Api) -> None:
    made = api.experiment()
    assert api.post("experiments/delete", experiment_id=made) == {}
    assert api.get("experiments/get", experiment_id=made)["experiment"]["lifecycle_stage"] == "deleted"
    assert api.refusal("POST", "experiments/delete", experiment_id=made) == GONE
    assert api.refusal("POST", "experiments/update", experiment_id=made, new_name="x") == (500, "INVALID_STATE")
    assert api.refusal("POST", "experiments/set-experiment-tag", experiment_id=made, key="a") == WRONG
    assert api.refusal("POST", "runs/create", experiment_id=made) == WRONG
    assert api.refusal("POST", "experiments/create", name="delays") == TAKEN
    assert api.post("experiments/restore", experiment_id=made) == {}
    assert api.refusal("POST", "experiments/restore", experiment_id=made) == GONE


def test_a_renamed_experiment_frees_its_name(api: Api) -> None:
    made = api.experiment("delays")
    api.experiment("other")
    assert api.refusal("POST", "experiments/update", experiment_id=made, new_name="other") == (400, "BAD_REQUEST")
    assert api.post("experiments/update", experiment_id=made, new_name="lateness") == {}
    assert api.experiment("delays") != made


def test_tags_are_set_and_removed(api: Api) -> None:
    made = api.experiment()
    api.post("experiments/set-experiment-tag", experiment_id=made, key="a", value="b")
    assert api.get("experiments/get", experiment_id=made)["experiment"]["tags"] == [{"key": "a", "value": "b"}]
    api.post("experiments/delete-experiment-tag", experiment_id=made, key="a")
    assert api.refusal("POST", "experiments/delete-experiment-tag", experiment_id=made, key="a") == GONE


def test_what_pipelines_made_is_told_too(api: Api, platform: Platform) -> None:
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    made = tracking.ensure_experiment("delays")
    assert api.get("experiments/get", experiment_id=made.id)["experiment"]["name"] == "delays"


def test_the_ui_s_prefix_leads_to_the_same(api: Api) -> None:
    made = api.experiment()
    assert api.get("/ajax-api/2.0/mlflow/experiments/get", experiment_id=made) == api.get(
        "experiments/get", experiment_id=made
    )


@pytest.mark.parametrize("path", ["experiments/list", "/ajax-api/3.0/mlflow/nothing/at/all", "/api/2.0/mlflow/traces"])
def test_what_is_no_call_of_ours_is_not_implemented(api: Api, path: str) -> None:
    assert api.refusal("GET", path) == (501, "NOT_IMPLEMENTED")
    assert api.refusal("POST", path) == (501, "NOT_IMPLEMENTED")


def test_the_server_says_what_it_is(api: Api) -> None:
    told = api.get("/api/3.0/mlflow/server-info")
    assert told == api.get("/ajax-api/3.0/mlflow/server-info")
    assert (told["store_type"], told["workspaces_enabled"]) == ("SqlStore", False)
    assert api.caller.get("/version").text.startswith("3.")
