"""Scorers: columns in, scores out, whatever runs the model."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, assert_never

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Columns
from loopwright.models.manifest import Manifest
from loopwright.models.package import read_file, read_manifest
from loopwright.ports.blobs import Blobs

THRESHOLD: Final = 0.5
"""A binary score of at least this is predicted as "1"."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What a model says of n rows.

    Attributes:
        score: float64 [n]; binary: the probability of the positive class; regression: the value; multiclass: the
            probability of the predicted class.
        prediction: object [n] of str; binary "0" or "1"; multiclass the class; regression "".
        probabilities: float64 [n, classes] of a classifier; None for a regression.
        classes: the columns of `probabilities`.
    """

    score: NDArray[np.float64]
    prediction: NDArray[np.object_]
    probabilities: NDArray[np.float64] | None
    classes: tuple[str, ...]


class Scorer(Protocol):
    """A loaded model. Safe to call from several threads."""

    @property
    def manifest(self) -> Manifest:
        """What the model is made of."""
        ...

    def score(self, columns: Columns) -> Scores:
        """Score rows; columns that the model does not see are ignored.

        Raises:
            InvalidInputError: a feature is missing, or a column has another type than its feature.
        """
        ...


def load_scorer(blobs: Blobs, source: str, digest: str) -> Scorer:
    """Return the scorer of the package under `source/`. Nothing is loaded before its bytes are verified.

    Only the manifest and the model file are read.

    Raises:
        IntegrityError: the package is not the one with this digest, or it names types that may not be loaded.
        NotFoundError: there is no package.
    """
    manifest = read_manifest(blobs, source, digest)
    return open_scorer(manifest, read_file(blobs, source, manifest.model_file, manifest))


def open_scorer(manifest: Manifest, model: bytes) -> Scorer:
    """Return a scorer for a model file that is verified already; errors as `load_scorer`."""
    match manifest.runtime:
        case "onnx":
            from loopwright.models.onnx_scorer import OnnxScorer  # noqa: PLC0415 - only the runtime in use is loaded

            return OnnxScorer(manifest, model)
        case "skops":
            from loopwright.models.skops_scorer import SkopsScorer  # noqa: PLC0415

            return SkopsScorer(manifest, model)
        case _:
            assert_never(manifest.runtime)


def scores_maker(manifest: Manifest) -> Callable[[NDArray[np.floating]], Scores]:
    """Return the function from a model's raw output (probabilities [n, classes] or values [n, …]) to scores."""
    match manifest.task:
        case "regression":
            return _values
        case "binary":
            return _binary
        case "multiclass":
            names = np.array(manifest.classes, dtype=object)
            return lambda output: _multiclass(output, names, manifest.classes)
        case _:
            assert_never(manifest.task)


_BINARY: Final = np.array(["0", "1"], dtype=object)


def _values(output: NDArray[np.floating]) -> Scores:
    score = output.reshape(-1).astype(np.float64)
    return Scores(score, np.full(len(score), "", dtype=object), None, ())


def _binary(output: NDArray[np.floating]) -> Scores:
    probabilities = output.astype(np.float64)
    score = probabilities[:, 1]
    return Scores(score, _BINARY[(score >= THRESHOLD).view(np.int8)], probabilities, ("0", "1"))


def _multiclass(output: NDArray[np.floating], names: NDArray[np.object_], classes: tuple[str, ...]) -> Scores:
    probabilities = output.astype(np.float64)
    best = probabilities.argmax(axis=1)
    return Scores(probabilities[np.arange(len(best)), best], names[best], probabilities, classes)
