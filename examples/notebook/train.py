"""What a data scientist writes into a notebook, and nothing in it says who answers.

    export MLFLOW_TRACKING_URI=http://127.0.0.1:8080        or https://…, with what it asks for (docs/mlflow.md)
    python examples/notebook/train.py

It wants `mlflow` and `scikit-learn`, fits a model under autolog, registers it, gives it an alias, and loads it back.
"""

import json
import tempfile
from pathlib import Path

import mlflow
import numpy as np
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

NAME = "tumours"
ALIAS = "challenger"

client = MlflowClient()
features, malignant = load_breast_cancer(return_X_y=True, as_frame=True)
train, test, train_y, test_y = train_test_split(features, malignant, test_size=0.3, random_state=7)

# %% Autolog: parameters, metrics, the data set and the model of every fit, with a run for each candidate of a search.
experiment = mlflow.set_experiment("tumours in a notebook")
mlflow.sklearn.autolog()

with mlflow.start_run(run_name="search") as search:
    candidates = {"logisticregression__C": [0.01, 0.1, 1.0]}
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    found = GridSearchCV(pipeline, candidates, scoring="roc_auc", cv=3).fit(train, train_y)

mlflow.sklearn.autolog(disable=True)

# %% By hand: a run with its own parameters, metrics by step, tags, data, files and a model that is registered.
best = found.best_estimator_
scores = best.predict_proba(test)[:, 1]
with mlflow.start_run(run_name="best", tags={"team": "oncology"}, description="The winner of the search.") as run:
    mlflow.log_params({"C": found.best_params_["logisticregression__C"], "rows": len(train)})
    mlflow.log_metrics({"test_auc": roc_auc_score(test_y, scores), "test_loss": log_loss(test_y, scores)})
    for step, rows in enumerate((50, 100, 200, len(train))):
        grown = pipeline.fit(train[:rows], train_y[:rows]).predict_proba(test)[:, 1]
        mlflow.log_metric("auc_by_rows", roc_auc_score(test_y, grown), step=step)
    mlflow.log_metric("not_a_number", float("nan"))
    tested = mlflow.data.from_pandas(test.assign(malignant=test_y), targets="malignant", name="test")
    mlflow.log_input(tested, context="testing")
    mlflow.log_text("fitted on a laptop\n", "notes/about.txt")
    mlflow.log_dict({"best": found.best_params_}, "notes/best.json")
    with tempfile.TemporaryDirectory() as folder:
        bytes_of_scores = Path(folder) / "scores.npy"
        np.save(bytes_of_scores, scores)
        mlflow.log_artifact(str(bytes_of_scores))
    model = mlflow.sklearn.log_model(
        best,
        name="model",
        signature=infer_signature(test, scores),
        input_example=test[:2],
        registered_model_name=NAME,
        pyfunc_predict_fn="predict_proba",
        pip_requirements=["scikit-learn"],
    )

# %% The registry: what it is for, who it is, and the alias under which others load it.
version = client.search_model_versions(f"name = '{NAME}' and run_id = '{run.info.run_id}'")[0].version
client.update_registered_model(NAME, "Is it malignant?")
client.set_model_version_tag(NAME, version, "reviewed", "no")
client.set_registered_model_alias(NAME, ALIAS, version)

# %% Somebody else, somewhere else: load by alias, and predict the same.
loaded = mlflow.pyfunc.load_model(f"models:/{NAME}@{ALIAS}")
same = np.allclose(loaded.predict(test)[:, 1], scores)
kept = np.load(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="scores.npy"))
text = mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/about.txt")

# %% Look back: runs by what they reached, one metric by its steps, and which files a run has.
good = mlflow.search_runs(
    experiment_names=[experiment.name],
    filter_string="metrics.test_auc > 0.9 and tags.team = 'oncology'",
    order_by=["metrics.test_auc DESC"],
)
children = mlflow.search_runs(
    [experiment.experiment_id],
    f"tags.mlflow.parentRunId = '{search.info.run_id}'",
    order_by=["metrics.mean_test_score DESC", "params.logisticregression__C"],
)
history = client.get_metric_history(run.info.run_id, "auc_by_rows")
finished = client.get_run(run.info.run_id)
by_alias = client.get_model_version_by_alias(NAME, ALIAS)
told = {
    "the same predictions": bool(same),
    "the same bytes": bool(np.array_equal(kept, scores)),
    "the same text": text,
    "good runs": [[row["tags.mlflow.runName"], round(row["metrics.test_auc"], 6)] for _, row in good.iterrows()],
    "candidates": [[row["params.logisticregression__C"], row["status"]] for _, row in children.iterrows()],
    "history": [[one.step, round(one.value, 6)] for one in history],
    "not a number": str(finished.data.metrics["not_a_number"]),
    "parameters": finished.data.params,
    "parameters of the search": sorted(client.get_run(search.info.run_id).data.params),
    "metrics of the search": sorted(client.get_run(search.info.run_id).data.metrics),
    "data": [[one.dataset.name, one.tags[0].value] for one in finished.inputs.dataset_inputs],
    "data of the search": [one.tags[0].value for one in client.get_run(search.info.run_id).inputs.dataset_inputs],
    "files": [[one.path, one.is_dir] for one in client.list_artifacts(run.info.run_id)],
    "files of the model": sorted(one.path for one in client.list_logged_model_artifacts(model.model_id)),
    "status": finished.info.status,
    "note": finished.data.tags["mlflow.note.content"],
    "models of the run": [one.model_id == model.model_id for one in finished.outputs.model_outputs],
    "logged model": client.get_logged_model(model.model_id).status,
    "version": [by_alias.version, by_alias.status, by_alias.tags, list(by_alias.aliases)],
    "registered": [
        [one.name, one.description, one.aliases] for one in client.search_registered_models(f"name = '{NAME}'")
    ],
}
print(json.dumps(told, sort_keys=True))  # noqa: T201 - it is what a notebook shows
