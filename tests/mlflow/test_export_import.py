"""`mlflow-export-import` moves an experiment from a stock server to ours and back, and nothing of it is lost.

That tool moves no data sets, finishes every run, and brings versions of registered models only where artifacts are a
folder of its own machine, be the server ours or a stock one; `loopwright import-mlflow` brings all of these.
"""

import json
import math
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from tests.mlflow.stock import python_of_stock, stock_environment

PROGRAM = Path(__file__).with_name("export_import.py")


def test_an_experiment_goes_to_ours_and_back_by_mlflow_export_import(stock: str, ours: str, tmp_path: Path) -> None:
    theirs = MlflowClient(stock)
    before = fill(theirs, tmp_path)
    register(MlflowClient(ours))
    folder = tmp_path / "moved"
    done = subprocess.run(
        [python_of_stock(), PROGRAM, stock, ours, "moved away", "moved model", folder],
        env=stock_environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    assert content(MlflowClient(ours), "moved away", tmp_path / "a") == before
    assert content(theirs, "moved away again", tmp_path / "b") == before
    (version,) = json.loads((folder / "model" / "model.json").read_text())["mlflow"]["registered_model"]["versions"]
    assert (version["description"], version["tags"]) == ("one", {"a": "b"})


def fill(client: MlflowClient, folder: Path) -> Mapping[str, object]:
    """Make an experiment on the stock server and return what it has."""
    experiment = client.create_experiment("moved away", tags={"team": "south"})
    parent = client.create_run(experiment, run_name="parent").info.run_id
    child = client.create_run(experiment, run_name="child", tags={"mlflow.parentRunId": parent}).info.run_id
    points = [Metric("loss", 1 / (step + 1), 1_700_000_000_000 + step, step) for step in range(50)]
    odd = [Metric("odd", value, 1_700_000_000_000, step) for step, value in enumerate((math.inf, -math.inf, 0.1))]
    client.log_batch(child, metrics=[*points, *odd], params=[Param("c", "1"), Param("empty", "")])
    files = folder / "files"
    (files / "deep").mkdir(parents=True)
    (files / "deep" / "a b.txt").write_text("hello")
    client.log_artifacts(child, str(files))
    client.set_terminated(child)
    client.set_terminated(parent)
    return content(client, "moved away", folder / "before")


def register(client: MlflowClient) -> None:
    run = client.create_run("0").info
    client.create_registered_model("moved model")
    client.create_model_version("moved model", f"{run.artifact_uri}/model", run.run_id, {"a": "b"}, description="one")


def content(client: MlflowClient, name: str, folder: Path) -> Mapping[str, object]:
    """Return what belongs to an experiment, apart from identities and moments of runs, which that tool gives anew."""
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    names = {run.info.run_id: name for name, run in runs.items()}
    found: dict[str, object] = {"tags": experiment.tags}
    for one, run in runs.items():
        identity = run.info.run_id
        tags = {key: names.get(value, value) for key, value in run.data.tags.items()}
        (folder / one).mkdir(parents=True)
        place = Path(client.download_artifacts(identity, "", str(folder / one)))
        found[one] = (
            run.data.params,
            {
                key: [(p.step, p.value, p.timestamp) for p in client.get_metric_history(identity, key)]
                for key in run.data.metrics
            },
            {key: value for key, value in tags.items() if key != "mlflow.user"},
            {file.relative_to(place).as_posix(): file.read_bytes() for file in place.rglob("*") if file.is_file()},
        )
    return found
