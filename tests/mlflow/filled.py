"""A stock server with something of everything that an import brings."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities.logged_model_output import LoggedModelOutput

POINTS = 2_300


@dataclass(frozen=True)
class Filled:
    """A stock server with something of everything."""

    url: str
    experiment: str
    run: str
    deleted_run: str
    gone: str
    model: str


def fill(url: str, files: Path) -> Filled:
    client = MlflowClient(url)
    experiment = client.create_experiment("penguins", tags={"team": "south"})
    run = client.create_run(experiment, start_time=1_700_000_000_123, run_name="first", tags={"mlflow.user": "ada"})
    identity = run.info.run_id
    log_metrics(client, identity)
    params = [Param(f"param {number}", str(number) * 200) for number in range(130)]
    client.log_batch(identity, params=params[:100])
    client.log_batch(identity, params=params[100:], tags=[RunTag("note", "ünïcode ☃")])
    used = Dataset("rows", "c0ffee", "local", '{"uri": "rows.csv"}', '{"mlflow_colspec": []}', '{"num_rows": 3}')
    client.log_inputs(identity, [DatasetInput(used, [InputTag("mlflow.data.context", "training"), InputTag("a", "b")])])
    log_files(client, identity, files)
    model = log_model(client, experiment, identity, files)
    client.set_terminated(identity, "FAILED", end_time=1_700_000_100_456)
    client.create_run(experiment, run_name="still at it")
    removed = client.create_run(experiment, run_name="removed").info.run_id
    client.log_metric(removed, "loss", 3.0)
    client.delete_run(removed)
    gone = client.create_experiment("gone")
    client.log_param(client.create_run(gone).info.run_id, "c", "1")
    client.delete_experiment(gone)
    register(client, identity, model)
    return Filled(url, experiment, identity, removed, gone, model)


def log_metrics(client: MlflowClient, run: str) -> None:
    points = [Metric("loss", 1 / (step + 1), 1_700_000_000_200 + step, step) for step in range(POINTS)]
    odd = [Metric("odd", value, 1_700_000_000_000, 0) for value in (math.nan, math.inf, -math.inf, 0.1)]
    for start in range(0, POINTS, 1_000):
        client.log_batch(run, metrics=points[start : start + 1_000])
    client.log_batch(run, metrics=[*odd, Metric("a/b c", -7.0, 0, -3)])


def log_files(client: MlflowClient, run: str, folder: Path) -> None:
    (folder / "deep" / "deeper").mkdir(parents=True)
    (folder / "deep" / "deeper" / "big.bin").write_bytes(os.urandom(3_000_000))
    (folder / "deep" / "näme with space=1.txt").write_text("text")
    (folder / "empty").write_bytes(b"")
    client.log_artifacts(run, str(folder), "files")


def log_model(client: MlflowClient, experiment: str, run: str, folder: Path) -> str:
    model = client.create_logged_model(experiment, "clf", run, tags={"t": "1"}, params={"c": "2"}, model_type="tree")
    client.log_model_artifacts(model.model_id, str(folder / "deep"))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run, [LoggedModelOutput(model.model_id, 3)])
    client.log_metric(run, "auc", 0.9, model_id=model.model_id)
    return model.model_id


def register(client: MlflowClient, run: str, model: str) -> None:
    client.create_registered_model("flights", tags={"kind": "binary"}, description="who is late")
    source = client.get_run(run).info.artifact_uri
    client.create_model_version("flights", f"{source}/files/deep", run, tags={"v": "1"}, description="one")
    client.create_model_version("flights", f"models:/{model}", run, model_id=model)
    client.create_model_version("flights", "s3://elsewhere/model")
    client.delete_model_version("flights", "2")
    client.create_model_version("flights", f"models:/{model}", run, model_id=model)
    client.set_registered_model_alias("flights", "best", "4")
    client.set_registered_model_alias("flights", "champion", "1")
    client.create_registered_model("lonely")
