"""The real client, MLflow's own small package, over HTTP against our function on several providers."""

import math
from collections.abc import Iterator

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.exceptions import MlflowException

from tests.contracts.worlds import WORLDS
from tests.mlflow.ours import our_server


@pytest.fixture(params=["memory", "local", "moto"])
def url(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    with WORLDS[request.param]() as settings, our_server(settings) as url:
        yield url


@pytest.fixture
def client(url: str) -> Iterator[MlflowClient]:
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(url)
    yield MlflowClient(url)
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(before)


def test_a_notebook_logs_and_finds_what_it_logged(client: MlflowClient) -> None:
    experiment = mlflow.set_experiment("delays")
    assert mlflow.set_experiment("delays").experiment_id == experiment.experiment_id
    with mlflow.start_run(run_name="first", description="a try", tags={"team": "ops"}) as run:
        mlflow.log_params({"depth": 3, "rate": 0.1})
        for step in range(3):
            mlflow.log_metric("auc", 0.5 + step / 10, step=step)
        mlflow.log_metrics({"loss": math.nan, "gain": math.inf})
        mlflow.set_tag("stage", "one")
        with mlflow.start_run(nested=True) as child:
            mlflow.log_param("depth", 4)
    found = client.get_run(run.info.run_id)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "first")
    assert found.info.end_time >= found.info.start_time
    assert found.data.params == {"depth": "3", "rate": "0.1"}
    assert found.data.metrics["auc"] == 0.7
    assert math.isnan(found.data.metrics["loss"])
    assert found.data.metrics["gain"] == math.inf
    assert found.data.tags["mlflow.note.content"] == "a try"
    assert client.get_run(child.info.run_id).data.tags["mlflow.parentRunId"] == run.info.run_id
    assert [one.value for one in client.get_metric_history(run.info.run_id, "auc")] == [0.5, 0.6, 0.7]
    (only,) = client.search_runs([experiment.experiment_id], "metrics.auc > 0.65 and params.depth = '3'")
    assert only.info.run_id == run.info.run_id


def test_the_default_experiment_takes_runs_at_once(client: MlflowClient) -> None:
    run = client.create_run("0")
    assert run.info.artifact_uri.startswith("mlflow-artifacts:/0/")
    assert client.get_experiment_by_name("Default").experiment_id == "0"
    assert [one.info.run_id for one in client.search_runs(["0"])] == [run.info.run_id]


def test_a_batch_of_a_client_is_split_by_itself(client: MlflowClient) -> None:
    run_id = client.create_run(client.create_experiment("delays")).info.run_id
    client.log_batch(
        run_id,
        metrics=[Metric("auc", step / 1_000, 1_700_000_000_000 + step, step) for step in range(900)],
        params=[Param(f"p{number}", "x") for number in range(50)],
        tags=[RunTag(f"t{number}", "x") for number in range(50)],
    )
    assert len(client.get_metric_history(run_id, "auc")) == 900
    assert len(client.get_run(run_id).data.params) == 50


def test_a_client_sees_the_errors_that_it_knows(client: MlflowClient) -> None:
    experiment_id = client.create_experiment("delays")
    run_id = client.create_run(experiment_id).info.run_id
    client.log_param(run_id, "depth", 3)
    client.log_param(run_id, "depth", 3)
    for code, act in (
        ("RESOURCE_ALREADY_EXISTS", lambda: client.create_experiment("delays")),
        ("RESOURCE_DOES_NOT_EXIST", lambda: client.get_experiment("77")),
        ("RESOURCE_DOES_NOT_EXIST", lambda: client.get_run("nobody")),
        ("INVALID_PARAMETER_VALUE", lambda: client.log_param(run_id, "depth", 4)),
        ("INVALID_PARAMETER_VALUE", lambda: client.search_runs([experiment_id], "auc >")),
        ("RESOURCE_DOES_NOT_EXIST", lambda: client.delete_tag(run_id, "nothing")),
    ):
        with pytest.raises(MlflowException) as caught:
            act()
        assert caught.value.error_code == code
    assert client.get_experiment_by_name("nothing") is None


def test_runs_and_experiments_are_deleted_and_restored(client: MlflowClient) -> None:
    experiment_id = client.create_experiment("delays", tags={"team": "ops"})
    first, second = (client.create_run(experiment_id, run_name=name).info.run_id for name in ("first", "second"))
    client.delete_run(first)
    assert [one.info.run_id for one in client.search_runs([experiment_id])] == [second]
    deleted = client.search_runs([experiment_id], run_view_type=ViewType.DELETED_ONLY)
    assert [one.info.run_id for one in deleted] == [first]
    client.delete_experiment(experiment_id)
    assert client.get_run(second).info.lifecycle_stage == "deleted"
    assert experiment_id not in {one.experiment_id for one in client.search_experiments()}
    with pytest.raises(MlflowException, match="deleted experiment"):
        mlflow.set_experiment("delays")
    client.restore_experiment(experiment_id)
    client.rename_experiment(experiment_id, "lateness")
    client.set_experiment_tag(experiment_id, "team", "data")
    assert client.get_experiment(experiment_id).tags == {"team": "data"}
    assert len(client.search_runs([experiment_id])) == 2
    client.update_run(first, status="KILLED", name="renamed")
    client.set_terminated(second, "FAILED", end_time=5)
    assert client.get_run(first).info.run_name == "renamed"
    assert (client.get_run(second).info.status, client.get_run(second).info.end_time) == ("FAILED", 5)


def test_data_sets_are_inputs(client: MlflowClient) -> None:
    run_id = client.create_run(client.create_experiment("delays")).info.run_id
    dataset = Dataset("flights", "1", "code", "flights.py", schema="{}", profile='{"rows": 3}')
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
    (found,) = client.get_run(run_id).inputs.dataset_inputs
    assert found.dataset.to_dictionary() == dataset.to_dictionary()
    assert [(one.key, one.value) for one in found.tags] == [("mlflow.data.context", "training")]


def test_searches_go_on_page_by_page(client: MlflowClient) -> None:
    experiment_id = client.create_experiment("delays")
    made = [client.create_run(experiment_id, start_time=number).info.run_id for number in range(1, 6)]
    found: list[str] = []
    page = client.search_runs([experiment_id], max_results=2)
    while True:
        found += [one.info.run_id for one in page]
        if not page.token:
            break
        page = client.search_runs([experiment_id], max_results=2, page_token=page.token)
    assert found == made[::-1]
