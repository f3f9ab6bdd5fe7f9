"""What a notebook does with models and files: `models_of_a_notebook.py <address>`. It prints what it sees, as JSON.

It is run by MLflow's whole package, which has scikit-learn beside it.
"""

import json
import sys

import mlflow
import numpy as np
import pandas as pd
from mlflow.entities import LoggedModel
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

TREES = "sklearn.tree._tree.Tree"


def points(model: LoggedModel) -> list[tuple[str, float, int, str | None]]:
    return [(one.key, one.value, one.step, one.dataset_name) for one in model.metrics or ()]


def seen(url: str) -> dict[str, object]:
    mlflow.set_tracking_uri(url)
    mlflow.set_experiment("models of a notebook")
    client = mlflow.MlflowClient()
    rows, kinds = load_iris(return_X_y=True, as_frame=True)
    told: dict[str, object] = {}
    with mlflow.start_run() as run:
        forest = RandomForestClassifier(5, random_state=1).fit(rows, kinds)
        info = mlflow.sklearn.log_model(
            forest,
            name="forest",
            input_example=rows[:3],
            registered_model_name="irises",
            pip_requirements=["scikit-learn"],
            skops_trusted_types=[TREES],
        )
        flowers = mlflow.data.from_pandas(rows, name="iris")
        mlflow.log_metric("accuracy", 0.9, step=1, model_id=info.model_id, dataset=flowers)
        mlflow.log_table({"a": [1, 2]}, "table.json")
        mlflow.log_dict({"depth": 3}, "deep/er/card.json")
        mlflow.log_image(np.zeros((4, 4, 3), dtype=np.uint8), "plot.png")
    model = mlflow.get_logged_model(info.model_id)
    told["model"] = [str(model.status), points(model), sorted(model.tags)]
    told["files"] = sorted(one.path for one in client.list_logged_model_artifacts(model.model_id))
    told["same predictions"] = [
        [bool((loads(uri).predict(rows) == forest.predict(rows)).all()) for loads in LOADS]
        for uri in (info.model_uri, "models:/irises/1", f"runs:/{run.info.run_id}/forest")
    ]
    told["read back"] = [
        mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/deep/er/card.json"),
        mlflow.load_table("table.json", run_ids=[run.info.run_id]).to_dict(),
    ]
    told["outputs"] = len(client.get_run(run.info.run_id).outputs.model_outputs)
    return {**told, **searched(), **states()}


LOADS = (mlflow.sklearn.load_model, mlflow.pyfunc.load_model)


def searched() -> dict[str, object]:
    """Find models by what was measured, and in its order."""
    for name, rate in (("first", 0.1), ("second", 0.3)):
        with mlflow.start_run():
            made = mlflow.create_external_model(name=name, params={"rate": str(rate)})
            mlflow.log_metric("accuracy", rate, model_id=made.model_id)
    by = [{"field_name": "metrics.accuracy", "ascending": False}]
    found = mlflow.search_logged_models(filter_string="metrics.accuracy > 0.2", order_by=by, output_format="list")
    frame: pd.DataFrame = mlflow.search_logged_models(filter_string="params.rate = '0.1'")
    return {"best first": [one.name for one in found], "by param": list(frame["name"])}


def states() -> dict[str, object]:
    """Say what became of a model's files, and take a model away."""
    with mlflow.start_run():
        later = mlflow.initialize_logged_model(name="later", tags={"team": "ops"})
        mlflow.set_logged_model_tags(later.model_id, {"reviewed": "no"})
        mlflow.delete_logged_model_tag(later.model_id, "team")
        mlflow.finalize_logged_model(later.model_id, "FAILED")
    found = mlflow.get_logged_model(later.model_id)
    mlflow.MlflowClient().delete_logged_model(later.model_id)
    left = mlflow.search_logged_models(filter_string="name = 'later'", output_format="list")
    return {"failed": [str(found.status), found.tags.get("reviewed"), "team" in found.tags], "left": len(left)}


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps(seen(sys.argv[1]), default=str))
