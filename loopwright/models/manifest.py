"""The manifest: what a package holds and how to score with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

from loopwright.columns import DType
from loopwright.definitions.model import Task
from loopwright.errors import IntegrityError
from loopwright.hashing import digest

MANIFEST_FILE: Final = "manifest.json"

Runtime = Literal["onnx", "skops"]


@dataclass(frozen=True, slots=True)
class FeatureInput:
    """One column that the model sees; strings stay strings, all other types are float64."""

    name: str
    dtype: DType


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What a file of the package must be."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a package holds and how to score with it.

    Attributes:
        model: the model's name.
        task: binary, multiclass or regression.
        runtime: what runs the model file.
        model_file: which of the files that is.
        features: the columns that the model sees, in its order.
        features_digest: of the definitions that these features came from (`definitions.project.features_digest`).
        classes: of a classifier, in the order of its probabilities; binary: "0", "1".
        output: the ONNX output to read; empty with skops.
        trusted_types: what skops may construct; empty with ONNX.
        files: every other file of the package.
        format: of the manifest itself.
    """

    model: str
    task: Task
    runtime: Runtime
    model_file: str
    features: tuple[FeatureInput, ...]
    features_digest: str
    classes: tuple[str, ...] = ()
    output: str = ""
    trusted_types: tuple[str, ...] = ()
    files: Mapping[str, FileDigest] = field(default_factory=dict)
    format: Literal[1] = 1

    def encode(self) -> bytes:
        """Return the manifest as JSON, equal for equal manifests."""
        return msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=1)


def decode_manifest(data: bytes) -> Manifest:
    """Return the manifest that `encode` wrote, or raise `IntegrityError`."""
    try:
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise IntegrityError(f"{MANIFEST_FILE} is no manifest that this version can read: {error}") from error


def file_digest(data: bytes) -> FileDigest:
    """Return what the manifest says of a file with these bytes."""
    return FileDigest(sha256=digest(data).removeprefix("sha256:"), size=len(data))
