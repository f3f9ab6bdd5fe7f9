"""The peer on Cloud Run: FastAPI + uvicorn + ONNX Runtime, with clients of Storage and Firestore, as tutorials do.

No lookup, no validation, no log. Environment: PEER_MODEL is the ONNX file.
"""

import os

import numpy as np
import onnxruntime
from fastapi import FastAPI, Request
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore, storage

buckets = storage.Client(project="peer", credentials=AnonymousCredentials())
documents = firestore.Client(project="peer", credentials=AnonymousCredentials())

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
