"""A data scientist's notebook: trains with autolog, logs as skops, registers; it knows MLflow and nothing of ours."""

import sys

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

chance = np.random.default_rng(3)
wetness = chance.uniform(0.2, 1.0, 400)
sky = chance.choice(np.array(["clear", "overcast"], dtype=object), 400)
rows = pd.DataFrame({"sky": sky, "wetness": wetness, "hectopascal": chance.normal(1013, 10, 400)})
odds = wetness * 5 + (sky == "overcast") * 2 - 4
rained = pd.Series((chance.random(400) < 1 / (1 + np.exp(-odds))).astype(int), name="rained")


def pipeline() -> object:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    prepared = ColumnTransformer(
        [("numbers", numbers, ["wetness", "hectopascal"]), ("texts", OneHotEncoder(handle_unknown="ignore"), ["sky"])]
    )
    return make_pipeline(prepared, LogisticRegression())


mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("by hand")
mlflow.sklearn.autolog()
with mlflow.start_run() as run:
    pipeline().fit(rows, rained)
mlflow.register_model(f"runs:/{run.info.run_id}/model", "rain")
mlflow.sklearn.autolog(disable=True)
with mlflow.start_run():
    model = pipeline().fit(rows, rained)
    signature = infer_signature(rows, model.predict(rows))
    mlflow.sklearn.log_model(
        model,
        name="saved as skops",
        signature=signature,
        # To find out what a model needs MLflow would load it in a process of its own.
        pip_requirements=["scikit-learn"],
        serialization_format="skops",
        skops_trusted_types=["numpy.dtype"],
        registered_model_name="rain",
    )
