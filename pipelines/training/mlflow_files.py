"""The files that make a package an MLflow model: MLmodel, requirements, an input example."""

import json
import math
from collections.abc import Mapping
from typing import Final

from loopwright.clock import isoformat
from loopwright.columns import Columns, DType, length, take
from loopwright.models import Manifest
from pipelines.training.provenance import versions_of

EXAMPLE_ROWS: Final = 5
_EXAMPLE_FILE: Final = "input_example.json"
_REQUIREMENTS_FILE: Final = "requirements.txt"
_TYPES: Final[Mapping[DType, str]] = {"float": "double", "int": "double", "bool": "double", "string": "string"}
_NEEDS: Final = {"onnx": ("numpy", "onnxruntime"), "skops": ("numpy", "pandas", "scikit-learn", "skops")}


def mlflow_files(manifest: Manifest, rows: Columns, *, run_id: str, at: float, environment: str) -> Mapping[str, bytes]:
    """Return the files by name; `rows` are real rows, of which the first few become the example."""
    example = take({one.name: rows[one.name] for one in manifest.features}, slice(EXAMPLE_ROWS))
    return {
        "MLmodel": _json(_mlmodel(manifest, environment, run_id=run_id, at=at)),
        _REQUIREMENTS_FILE: _requirements(manifest, environment).encode(),
        _EXAMPLE_FILE: _json(_example(example)),
    }


def _mlmodel(manifest: Manifest, environment: str, *, run_id: str, at: float) -> Mapping[str, object]:
    versions = versions_of(environment)
    common = {"data": manifest.model_file, "env": {"virtualenv": _REQUIREMENTS_FILE}}
    flavour: Mapping[str, object] = (
        {"onnx": {"onnx_version": versions.get("onnx", ""), "providers": ["CPUExecutionProvider"], **common}}
        if manifest.runtime == "onnx"
        else {"skops": {"skops_version": versions.get("skops", ""), "trusted": manifest.trusted_types, **common}}
    )
    return {
        "artifact_path": "model",
        "flavors": {"loopwright": {"format": manifest.format, "manifest": "manifest.json"}, **flavour},
        "model_uuid": run_id,
        "run_id": run_id,
        "saved_input_example_info": {"artifact_path": _EXAMPLE_FILE, "type": "dataframe", "pandas_orient": "split"},
        "signature": _signature(manifest),
        "utc_time_created": isoformat(at).removesuffix("Z").replace("T", " "),
    }


def _signature(manifest: Manifest) -> Mapping[str, object]:
    inputs = [{"name": one.name, "type": _TYPES[one.dtype], "required": True} for one in manifest.features]
    width = len(manifest.classes) or 1
    output = {"name": manifest.output or "output", "type": "tensor"}
    tensor = {"dtype": "float64", "shape": [-1, width]}
    return {
        "inputs": json.dumps(inputs),
        "outputs": json.dumps([{**output, "tensor-spec": tensor}]),
        "params": None,
    }


def _requirements(manifest: Manifest, environment: str) -> str:
    versions = versions_of(environment)
    return "".join(f"{name}=={versions[name]}\n" for name in _NEEDS[manifest.runtime] if name in versions)


def _example(rows: Columns) -> Mapping[str, object]:
    columns = [[_plain(value) for value in column.tolist()] for column in rows.values()]
    return {"columns": list(rows), "data": [list(row) for row in zip(*columns, strict=True)], "rows": length(rows)}


def _plain(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _json(content: Mapping[str, object]) -> bytes:
    """Return JSON, which is YAML too."""
    return (json.dumps(content, indent=2) + "\n").encode()
