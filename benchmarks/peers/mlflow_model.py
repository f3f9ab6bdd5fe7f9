"""Writes the ONNX model as an MLflow model: `mlflow_model.py MODEL FOLDER`. Runs in the peer's environment."""

import sys

import mlflow.onnx
import onnx


def main(model: str, folder: str) -> None:
    mlflow.onnx.save_model(onnx.load(model), folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
