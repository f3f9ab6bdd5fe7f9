"""What a notebook leaves behind: a model logged over MLflow and registered, as its client does it."""

import json
import pickle
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
import pandas as pd
import skops.io
import yaml
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from loopwright.errors import AlreadyExistsError
from loopwright.registry.values import NewSource
from tests.pipelines.weather import World

INPUTS = (("wetness", "double"), ("hectopascal", "double"), ("sky", "string"))
MODEL_ID = "m-0123456789abcdef0123456789abcdef"


def rows(count: int = 400, *, seed: int = 3) -> tuple[pd.DataFrame, pd.Series]:
    """Return rows as the rain project's, and whether it rained."""
    chance = np.random.default_rng(seed)
    wetness = chance.uniform(0.2, 1.0, count)
    sky = chance.choice(np.array(["clear", "overcast", ""], dtype=object), count)
    odds = wetness * 5 + (sky == "overcast") * 2 - 4
    rained = chance.random(count) < 1 / (1 + np.exp(-odds))
    frame = pd.DataFrame({"wetness": wetness, "hectopascal": chance.normal(1013, 10, count), "sky": sky})
    return frame.astype({"sky": "str"}), pd.Series(rained.astype(np.int64))


def fitted(order: Sequence[str] = ("wetness", "hectopascal", "sky"), target: pd.Series | None = None) -> object:
    """Return the pipeline that a notebook would fit."""
    frame, rained = rows()
    prepared = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["wetness", "hectopascal"]),
            ("texts", OneHotEncoder(handle_unknown="ignore"), ["sky"]),
        ]
    )
    return make_pipeline(prepared, LogisticRegression()).fit(frame[list(order)], rained if target is None else target)


@dataclass(frozen=True)
class Saved:
    """How a model is saved."""

    kind: str
    file: str
    data: bytes


def as_skops(model: object) -> Saved:
    return Saved("skops", "model.skops", skops.io.dumps(model))


def as_pickle(model: object, kind: str = "cloudpickle") -> Saved:
    return Saved(kind, "model.pkl", pickle.dumps(model))


def mlmodel(saved: Saved, inputs: Sequence[tuple[str, str]] | None, *, sklearn: str = "") -> bytes:
    """Return the file as MLflow 3.17 writes it."""
    signature = [{"type": kind, "name": name, "required": True} for name, kind in inputs or ()]
    content: dict[str, object] = {
        "artifact_path": f"mlflow-artifacts:/1/models/{MODEL_ID}/artifacts",
        "flavors": {
            "python_function": {"loader_module": "mlflow.sklearn", "model_path": saved.file, "python_version": "3.11"},
            "sklearn": {
                "code": None,
                "pickled_model": saved.file,
                "serialization_format": saved.kind,
                "sklearn_version": sklearn or version("scikit-learn"),
                "skops_trusted_types": ["os.system"],
            },
        },
        "mlflow_version": "3.17.2",
        "model_id": MODEL_ID,
        "utc_time_created": "2013-02-27 12:00:00.000000",
    }
    if inputs is not None:
        content["signature"] = {"inputs": json.dumps(signature), "outputs": "[]", "params": None}
    return yaml.safe_dump(content).encode()


def log(
    world: World,
    saved: Saved,
    inputs: Sequence[tuple[str, str]] | None = INPUTS,
    *,
    model: str = "rain",
    sklearn: str = "",
    source: str = f"models:/{MODEL_ID}",
    run_id: str = "",
) -> int:
    """Put a model's files where MLflow's client puts them, register them, and return the version's number."""
    files = {"MLmodel": mlmodel(saved, inputs, sklearn=sklearn), saved.file: saved.data}
    put(world, f"logged-models/{MODEL_ID}/artifacts", files)
    return register(world, model=model, source=source, run_id=run_id)


def put(world: World, folder: str, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        world.platform.blobs.put(f"{folder}/{name}", data)


def register(world: World, *, source: str, model: str = "rain", run_id: str = "") -> int:
    """Register what is there, as MLflow's client does: no package, a place only."""
    with suppress(AlreadyExistsError):
        world.registry.create_model(model)
    return world.registry.register_source(NewSource(model=model, source=source, run_id=run_id)).version
