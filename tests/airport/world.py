"""The airport project in a fresh world, with versions made by hand: quick, and with answers that are easy to check.

A version's score is `level` for a flight of 1,000 miles, and grows with the distance; without wind it is 0.
"""

from functools import cache
from pathlib import Path

import numpy as np
import onnx.parser

from loopwright.columns import times
from loopwright.definitions import Model, Project
from loopwright.definitions.project import features_digest, load_project
from loopwright.features.online import OnlineStore
from loopwright.models.manifest import FeatureInput, Manifest
from loopwright.models.package import seal_package, write_package
from loopwright.ports import Platform
from loopwright.registry import Lineage, NewVersion, Registry
from loopwright.verdict import Verdict

FOLDER = Path(__file__).parent

ROW: dict[str, object] = {
    "flight_id": "UA1",
    "origin": "JFK",
    "distance": 1000.0,
    "seats": 180,
    "night": False,
    "scheduled": "2013-03-01T12:00:00Z",
}


@cache
def project() -> Project:
    return load_project(FOLDER)


def delays() -> Model:
    return project().model("delays")


def rows(count: int) -> list[dict[str, object]]:
    return [{**ROW, "flight_id": f"UA{number}"} for number in range(count)]


@cache
def model_bytes(level: float) -> bytes:
    """An ONNX graph of the model's four features."""
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["" : 17]>
        late (double[N,1] distance, string[N,1] origin, double[N,1] wind, double[N,1] hour_of_day)
            => (float[N,2] probabilities)
        <double scale = {{1000.0}}, double level = {{{level}}}, double zero = {{0.0}}, double one = {{1.0}}>
        {{
            far = Div(distance, scale)
            raised = Mul(far, level)
            calm = IsNaN(wind)
            blank = Mul(wind, zero)
            known = Add(raised, blank)
            late = Where(calm, zero, known)
            early = Sub(one, late)
            both = Concat<axis = 1>(early, late)
            probabilities = Cast<to = 1>(both)
        }}
    """)
    return model.SerializeToString()


def register(
    platform: Platform, *, level: float = 0.5, digest: str | None = None, output: str = "probabilities"
) -> int:
    """Write a package and register it; return its number. An `output` that the graph lacks fails when it scores."""
    model = delays()
    version_digest = digest or features_digest(model)
    manifest = Manifest(
        model.name,
        model.task,
        "onnx",
        "model.onnx",
        tuple(FeatureInput(one.name, one.dtype) for one in model.feature_fields),
        version_digest,
        ("0", "1"),
        output,
    )
    package = seal_package(manifest, {"model.onnx": model_bytes(level)})
    run_id = platform.new_id()
    source = f"runs/{run_id}/artifacts/model"
    lineage = Lineage("", code_dirty=False, code_digest="", datasets=(), parameters={}, environment_digest="")
    version = registry(platform).register(
        NewVersion(
            model=model.name,
            run_id=run_id,
            source=source,
            digest=write_package(platform.blobs, source, package),
            features_digest=version_digest,
            lineage=lineage,
            verdict=Verdict(passed=True, reasons=(), rows=1_000),
        )
    )
    return version.version


def registry(platform: Platform) -> Registry:
    return Registry(platform.table, clock=platform.clock, new_id=platform.new_id)


def crown(platform: Platform, version: int) -> None:
    """Make a version the champion."""
    before = registry(platform).alias("delays", "champion")
    registry(platform).promote("delays", version, expected=before, who="test", why="for the test")


def report_weather(platform: Platform, *, wind: float = 12.0, age: float = 60.0, origin: str = "JFK") -> None:
    """Write what the weather at an airport was `age` seconds ago."""
    OnlineStore(platform.table).write(
        project().view("weather"),
        {
            "origin": np.array([origin], dtype=object),
            "hour": times([platform.clock() - age]),
            "wind": np.array([wind]),
            "sky": np.array(["grey"], dtype=object),
        },
    )


def crown_other_features(platform: Platform) -> int:
    """Make a version the champion that was trained with features that the project does not define; return it."""
    version = register(platform, digest="sha256:another")
    crown(platform, version)
    return version
