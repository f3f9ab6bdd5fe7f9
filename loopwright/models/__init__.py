"""Model packages: the folder that a trained model lives in, and the scorers that run it.

A package is an MLflow-shaped folder of objects under one prefix:

    MLmodel             flavours, signature and environment, as MLflow writes them (JSON, which is YAML)
    requirements.txt    what scoring needs
    input_example.json  a few real rows
    model.onnx          the model, one input per feature; or model.skops, when it does not convert
    profile.json        what the training data looked like, for drift
    card.md             for people
    manifest.json       how to score, and the SHA-256 of every file above; its own digest is the package's digest

The manifest is written last: a package without one is not a package. Nothing is loaded before every byte is verified.
"""

from loopwright.models.manifest import MANIFEST_FILE, FeatureInput, FileDigest, Manifest, Runtime
from loopwright.models.package import Package, read_package, write_package
from loopwright.models.scorer import Scorer, Scores, load_scorer, open_scorer

__all__ = [
    "MANIFEST_FILE",
    "FeatureInput",
    "FileDigest",
    "Manifest",
    "Package",
    "Runtime",
    "Scorer",
    "Scores",
    "load_scorer",
    "open_scorer",
    "read_package",
    "write_package",
]
