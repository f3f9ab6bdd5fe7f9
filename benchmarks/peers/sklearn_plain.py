"""The peer: FastAPI + Mangum + scikit-learn, built as tutorials do. No lookup, no validation, no log.

Environment: PEER_MODEL is a file that joblib wrote (`sklearn_plain.py ROWS MODEL`, in the peer's environment, fits the
estimator that the benchmark's project defines and writes it).
"""

import json
import os
import sys
from pathlib import Path

import joblib
import pandas as pd


def save(rows: str, model: str) -> None:
    from benchmarks.serving.project import churn  # noqa: PLC0415 - only who makes the model has the kit
    from loopwright.definitions import TrainingContext  # noqa: PLC0415

    frame = pd.DataFrame(json.loads(Path(rows).read_text()))
    context = TrainingContext({}, churn.seed, lambda *_: None)
    joblib.dump(churn.train(frame[list(churn.features)], frame[churn.label.name], context), model)


if __name__ == "__main__":
    save(*sys.argv[1:])
else:
    import boto3
    from fastapi import FastAPI, Request
    from mangum import Mangum

    s3 = boto3.client("s3")
    dynamodb = boto3.client("dynamodb")
    estimator = joblib.load(os.environ["PEER_MODEL"])
    names = list(estimator.feature_names_in_)
    app = FastAPI()

    @app.post("/models/churn/predict")
    async def predict(request: Request) -> dict[str, float]:
        row = (await request.json())["row"]
        return {"score": float(estimator.predict_proba(pd.DataFrame([row])[names])[0][1])}

    handler = Mangum(app, lifespan="off")
