"""The parts of an import from an MLflow server, one module each; `pipelines.import_mlflow` wires them."""
