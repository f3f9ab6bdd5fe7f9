"""Moves an experiment from one server to another and back by `mlflow-export-import`, in a process that has it."""

import os
import sys
from pathlib import Path

import mlflow
from mlflow_export_import.experiment.export_experiment import ExperimentExporter
from mlflow_export_import.experiment.import_experiment import ExperimentImporter
from mlflow_export_import.model.export_model import ModelExporter


def main(theirs: str, ours: str, name: str, model: str, folder: Path) -> None:
    export(theirs, name, folder / "theirs")
    bring(ours, name, folder / "theirs")
    export(ours, name, folder / "ours")
    bring(theirs, f"{name} again", folder / "ours")
    turn_to(ours)
    done, _ = ModelExporter(mlflow.MlflowClient()).export_model(model, str(folder / "model"))
    assert done


def export(url: str, name: str, folder: Path) -> None:
    turn_to(url)
    done, failed = ExperimentExporter(mlflow.MlflowClient()).export_experiment(name, str(folder))
    assert (done, failed) == (2, 0)


def bring(url: str, name: str, folder: Path) -> None:
    turn_to(url)
    # Mending the runs' identities in MLmodel files is done by a client of the server that there was at the start.
    ExperimentImporter(mlflow.MlflowClient(), mlmodel_fix=False).import_experiment(name, str(folder))


def turn_to(url: str) -> None:
    """Have all that follows call this server: some of it goes by the environment."""
    os.environ["MLFLOW_TRACKING_URI"] = url
    mlflow.set_tracking_uri(url)


if __name__ == "__main__":
    main(*sys.argv[1:5], Path(sys.argv[5]))
