"""The peer: FastAPI + Mangum + ONNX Runtime, built as tutorials do. No lookup, no validation, no log.

Environment: PEER_MODEL is the ONNX file; with PEER_AWS the clients that a function on AWS has are made too.
"""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI, Request
from mangum import Mangum

if os.environ.get("PEER_AWS"):
    import boto3

    s3 = boto3.client("s3")
    dynamodb = boto3.client("dynamodb")

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(os.environ["PEER_MODEL"], options, providers=["CPUExecutionProvider"])
types = {one.name: object if one.type == "tensor(string)" else np.float64 for one in session.get_inputs()}
output = session.get_outputs()[-1].name

app = FastAPI()


@app.post("/models/churn/predict")
async def predict(request: Request) -> dict[str, float]:
    row = (await request.json())["row"]
    feed = {name: np.array([[row[name]]], dtype=dtype) for name, dtype in types.items()}
    return {"score": float(session.run([output], feed)[0][0][1])}


handler = Mangum(app, lifespan="off")
