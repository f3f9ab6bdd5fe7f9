"""Writes an MLflow model, in the peer's environment: `mlflow_model.py onnx MODEL FOLDER`, `… sklearn ROWS FOLDER`.

`sklearn` fits the estimator that the benchmark's project defines on the rows, a JSON object of columns.
"""

import json
import sys
from pathlib import Path


def save_onnx(model: str, folder: str) -> None:
    import mlflow.onnx  # noqa: PLC0415 - either flavour needs only its own libraries
    import onnx  # noqa: PLC0415

    mlflow.onnx.save_model(onnx.load(model), folder)


def save_sklearn(rows: str, folder: str) -> None:
    import mlflow.sklearn  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    from benchmarks.serving.project import churn  # noqa: PLC0415
    from loopwright.definitions import TrainingContext  # noqa: PLC0415

    frame = pd.DataFrame(json.loads(Path(rows).read_text()))
    context = TrainingContext({}, churn.seed, lambda *_: None)
    estimator = churn.train(frame[list(churn.features)], frame[churn.label.name], context)
    mlflow.sklearn.save_model(estimator, folder, pyfunc_predict_fn="predict_proba", serialization_format="cloudpickle")


if __name__ == "__main__":
    {"onnx": save_onnx, "sklearn": save_sklearn}[sys.argv[1]](*sys.argv[2:])
