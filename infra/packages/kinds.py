"""Which packages there are, what is in each, and which function is deployed from which."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["serve", "lake", "tracking"]
Architecture = Literal["x86_64", "arm64"]

MIB: Final = 1024 * 1024

KIND_OF: Final[Mapping[str, Kind]] = {
    "collect": "lake",
    "features": "serve",
    "labels": "serve",
    "materialize": "lake",
    "monitor": "lake",
    "predict": "serve",
    "retrain": "serve",
    "tracking": "tracking",
}
"""The functions that are deployed from a package, by the names of their folders in `functions/`."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a package is made of.

    Attributes:
        extras: of the project; what these and the project itself depend on is in the package ...
        left_out: ... but for these distributions and what only they need.
        budget: the most bytes that it may have unzipped.
        forbidden: libraries that it must not have, whoever depends on them.
    """

    extras: tuple[str, ...]
    left_out: tuple[str, ...]
    budget: int
    forbidden: tuple[str, ...]


_SERVERS: Final = ("httptools", "uvicorn", "uvloop")
"""On Lambda the runtime is the server."""

_UNUSED: Final = ("flatbuffers", "packaging", "protobuf")
"""ONNX Runtime depends on these for its tools; a session does without them."""

_TRAINING: Final = ("boto3", "botocore", "duckdb", "onnx", "pandas", "pyarrow", "scipy", "skl2onnx", "sklearn", "skops")

RECIPES: Final[Mapping[Kind, Recipe]] = {
    "serve": Recipe(("serve",), (*_SERVERS, *_UNUSED), 100 * MIB, (*_TRAINING, "arro3", "deltalake")),
    "lake": Recipe(
        ("aws", "serve"),
        # deltalake names `deprecated` among its dependencies and never imports it.
        (*_SERVERS, *_UNUSED, "botocore", "deprecated", "onnxruntime"),
        200 * MIB,
        (*_TRAINING, "onnxruntime"),
    ),
    # No model is answered for here; NumPy is there for the project's definitions, which may compute with it.
    "tracking": Recipe(
        ("serve",),
        (*_SERVERS, *_UNUSED, "onnxruntime"),
        60 * MIB,
        (*_TRAINING, "arro3", "deltalake", "mlflow", "onnxruntime", "sqlparse"),
    ),
}
