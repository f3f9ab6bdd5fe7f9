from typing import Any

import pytest

from loopwright.ports import Platform
from loopwright.tracking import DatasetInput, Metric, Tracking
from tests.functions.tracking.api import Api, Told

GONE = (404, "RESOURCE_DOES_NOT_EXIST")
WRONG = (400, "INVALID_PARAMETER_VALUE")
BAD = (400, "BAD_REQUEST")


def test_a_run_is_told_as_protobuf_has_it(api: Api) -> None:
    experiment = api.experiment()
    made = api.post(
        "runs/create",
        experiment_id=experiment,
        user_id="ada",
        start_time=1_700_000_000_123,
        run_name="first",
        tags=[{"key": "mlflow.user", "value": "ada"}],
    )["run"]
    run_id = made["info"]["run_id"]
    assert made == {
        "info": {
            "run_uuid": run_id,
            "run_id": run_id,
            "experiment_id": experiment,
            "run_name": "first",
            "user_id": "ada",
            "status": "RUNNING",
            "start_time": 1_700_000_000_123,
            "artifact_uri": f"mlflow-artifacts:/{experiment}/{run_id}/artifacts",
            "lifecycle_stage": "active",
        },
        "data": {"tags": [{"key": "mlflow.user", "value": "ada"}, {"key": "mlflow.runName", "value": "first"}]},
        "inputs": {},
    }
    assert api.look(run_id) == {**made, "outputs": {}}
    assert api.get("runs/get", run_uuid=run_id)["run"] == api.look(run_id)


def test_a_run_without_a_name_gets_one(api: Api) -> None:
    experiment = api.experiment()
    first, second = (api.look(api.run(experiment))["info"]["run_name"] for _ in range(2))
    assert first != second
    assert api.look(api.run(experiment, tags=[{"key": "mlflow.runName", "value": "x"}]))["info"]["run_name"] == "x"


@pytest.mark.parametrize(
    ("body", "refused"),
    [
        ({}, BAD),
        ({"experiment_id": "77"}, GONE),
        ({"tags": [{"key": "a"}, {"key": "a"}]}, BAD),
        ({"run_name": "x", "tags": [{"key": "mlflow.runName", "value": "y"}]}, WRONG),
        ({"run_name": "x", "tags": [{"key": "mlflow.runName"}]}, BAD),
        ({"start_time": "soon"}, WRONG),
        ({"start_time": -1}, WRONG),
        ({"start_time": 2**62}, WRONG),
        ({"start_time": 10**400}, WRONG),
    ],
)
def test_what_a_run_cannot_be_made_with(api: Api, body: dict[str, Any], refused: tuple[int, str]) -> None:
    experiment = {} if "experiment_id" in body or not body else {"experiment_id": api.experiment()}
    assert api.refusal("POST", "runs/create", **experiment, **body) == refused


def test_state_and_end_are_changed_by_themselves(api: Api, run_id: str) -> None:
    for body, status, end in (
        ({"status": "FINISHED"}, "FINISHED", None),
        ({"end_time": 77}, "FINISHED", 77),
        ({"status": 1}, "RUNNING", 77),
        ({"end_time": 0}, "RUNNING", None),
        ({"status": "KILLED", "end_time": "99"}, "KILLED", 99),
    ):
        told = api.post("runs/update", run_id=run_id, **body)["run_info"]
        assert (told["status"], told.get("end_time")) == (status, end)
        assert told == api.look(run_id)["info"]
    assert api.refusal("POST", "runs/update", run_id=run_id, status="DONE") == WRONG


def test_a_new_name_is_a_tag_too(api: Api, run_id: str) -> None:
    api.post("runs/update", run_id=run_id, run_name="second")
    assert api.look(run_id)["data"]["tags"] == [{"key": "mlflow.runName", "value": "second"}]
    api.post("runs/set-tag", run_id=run_id, key="mlflow.runName", value="third")
    assert api.look(run_id)["info"]["run_name"] == "third"


def test_a_deleted_run_is_read_and_refuses_every_change(api: Api, run_id: str) -> None:
    assert api.post("runs/delete", run_id=run_id) == {}
    assert api.post("runs/delete", run_id=run_id) == {}
    assert api.look(run_id)["info"]["lifecycle_stage"] == "deleted"
    for path, body in (
        ("update", {"status": "FINISHED"}),
        ("log-metric", {"key": "auc", "value": 1, "timestamp": 1}),
        ("log-parameter", {"key": "depth"}),
        ("log-batch", {}),
        ("set-tag", {"key": "a"}),
        ("delete-tag", {"key": "mlflow.runName"}),
        ("log-inputs", {"datasets": [{"dataset": {"name": "a", "digest": "b"}}]}),
        ("outputs", {"models": [{"model_id": "m-1"}]}),
    ):
        assert api.refusal("POST", f"runs/{path}", run_id=run_id, **body) == WRONG, path
    api.post("runs/restore", run_id=run_id)
    api.post("runs/log-parameter", run_id=run_id, key="depth", value="3")
    assert api.look(run_id)["data"]["params"] == [{"key": "depth", "value": "3"}]


def test_an_unknown_run_does_not_exist(api: Api) -> None:
    assert api.refusal("GET", "runs/get", run_id="nobody") == GONE
    for path, body in (
        ("delete", {}),
        ("restore", {}),
        ("update", {}),
        ("log-metric", {"key": "auc", "value": 1, "timestamp": 1}),
        ("log-parameter", {"key": "depth"}),
        ("log-batch", {}),
        ("set-tag", {"key": "a"}),
        ("delete-tag", {"key": "a"}),
        ("log-inputs", {}),
        ("outputs", {"models": []}),
    ):
        assert api.refusal("POST", f"runs/{path}", run_id="nobody", **body) == GONE, path
    assert api.refusal("POST", "runs/log-batch", run_id="no such run") == WRONG
    assert api.refusal("GET", "runs/get") == WRONG


def test_what_a_run_reads_and_makes_is_told(api: Api, run_id: str) -> None:
    training = {"key": "mlflow.data.context", "value": "training"}
    dataset = {"name": "flights", "digest": "1", "source_type": "code", "source": "flights.py"}
    detailed = {**dataset, "digest": "2", "schema": "columns", "profile": "rows"}
    api.post(
        "runs/log-inputs",
        run_id=run_id,
        datasets=[{"dataset": dataset, "tags": [training, {"key": "a", "value": "b"}]}, {"dataset": detailed}],
        models=[{"model_id": "m-1"}],
    )
    api.post("runs/outputs", run_id=run_id, models=[{"model_id": "m-2", "step": "3"}])
    told = api.look(run_id)
    assert told["inputs"] == {
        "dataset_inputs": [
            {"dataset": detailed},
            {"dataset": dataset, "tags": [training, {"key": "a", "value": "b"}]},
        ],
        "model_inputs": [{"model_id": "m-1"}],
    }
    assert told["outputs"] == {"model_outputs": [{"model_id": "m-2", "step": 3}]}
    (listed,) = api.post("runs/search", experiment_ids=[told["info"]["experiment_id"]])["runs"]
    assert listed == {**told, "inputs": {"dataset_inputs": told["inputs"]["dataset_inputs"]}}
    assert api.post(
        "/ajax-api/2.0/mlflow/experiments/search-datasets", experiment_ids=[told["info"]["experiment_id"]]
    ) == {
        "dataset_summaries": [
            {"experiment_id": told["info"]["experiment_id"], "name": "flights", "digest": "1", "context": "training"},
            {"experiment_id": told["info"]["experiment_id"], "name": "flights", "digest": "2"},
        ]
    }


@pytest.mark.parametrize(
    "datasets",
    [
        [{"dataset": {"name": "a", "digest": "1" * 37}}],
        [{"dataset": {"name": "a" * 501, "digest": "1"}}],
        [{"dataset": {"name": "a", "digest": "1"}, "tags": [{"key": "a", "value": "x" * 501}]}],
        [{"dataset": {"name": "a", "digest": "1"}}] * 1_001,
    ],
)
def test_a_data_set_that_is_too_long_is_refused(api: Api, run_id: str, datasets: list[Told]) -> None:
    assert api.refusal("POST", "runs/log-inputs", run_id=run_id, datasets=datasets) == WRONG
    assert api.look(run_id)["inputs"] == {}


def test_the_same_output_again_is_fine_and_another_step_is_not(api: Api, run_id: str) -> None:
    for _ in range(2):
        api.post("runs/outputs", run_id=run_id, models=[{"model_id": "m-2", "step": 3}])
    assert api.refusal("POST", "runs/outputs", run_id=run_id, models=[{"model_id": "m-2", "step": 4}]) == BAD
    assert api.refusal("POST", "runs/outputs", run_id=run_id) == WRONG


def test_a_pipeline_s_run_is_told_with_its_inputs_in_mlflow_s_limits(api: Api, platform: Platform) -> None:
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    run = tracking.create_run(tracking.ensure_experiment("delays").id, name="x", started=1.5, user="ada")
    tracking.log_inputs(run.id, [DatasetInput("flights", f"sha256:{'a' * 64}", "lake:flights@7", 7, "training")])
    tracking.log_batch(run.id, metrics=[Metric("auc", 0.7, 2.0)])
    tracking.finish_run(run.id)
    told = api.look(run.id)
    assert (told["info"]["start_time"], told["info"]["user_id"], told["info"]["status"]) == (1_500, "ada", "FINISHED")
    assert told["data"]["metrics"] == [{"key": "auc", "value": 0.7, "timestamp": 2_000, "step": 0}]
    (one,) = told["inputs"]["dataset_inputs"]
    assert one["tags"] == [{"key": "mlflow.data.context", "value": "training"}]
    assert one["dataset"]["digest"] == "a" * 36
