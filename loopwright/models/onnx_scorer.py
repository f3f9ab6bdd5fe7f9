"""Scoring by ONNX Runtime, for requests: one thread, columns in as views, nothing copied on the way."""

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray
from typing_extensions import override

from loopwright.columns import Columns
from loopwright.errors import IntegrityError, InvalidInputError
from loopwright.models.manifest import Manifest
from loopwright.models.scorer import Scorer, Scores, scores_maker

if TYPE_CHECKING:
    import onnxruntime

_TYPES: Final[dict[str, DTypeLike]] = {"tensor(double)": np.float64, "tensor(float)": np.float32}
_STRING: Final = "tensor(string)"


class OnnxScorer(Scorer):
    """Runs `model.onnx`: one [n, 1] input per feature, or a single [n, features] matrix.

    The first is how Loopwright exports; the second is how models from elsewhere often come.
    """

    def __init__(self, manifest: Manifest, model: bytes) -> None:
        """Open a session, or raise `IntegrityError` if the runtime cannot."""
        self._manifest = manifest
        self._session = _session(model)
        inputs = self._session.get_inputs()
        names = tuple(feature.name for feature in manifest.features)
        self._matrix = _matrix_type(inputs, names)
        self._matrix_input: str = inputs[0].name
        self._names = names
        # Inputs that are not float64 already are cast, feature by feature; usually there are none.
        self._casts = {one.name: _TYPES[one.type] for one in inputs if _TYPES.get(one.type) is np.float32}
        self._feeds = tuple(name for name in names if name in {one.name for one in inputs})
        self._outputs = [manifest.output]
        self._make = scores_maker(manifest)

    @property
    @override
    def manifest(self) -> Manifest:
        return self._manifest

    @override
    def score(self, columns: Columns) -> Scores:
        try:
            feed = self._matrix_feed(columns) if self._matrix is not None else self._column_feed(columns)
        except KeyError as error:
            raise InvalidInputError(f"model {self._manifest.model!r} wants the feature {error}") from error
        try:
            output = self._session.run(self._outputs, feed)[0]
        except Exception as error:
            # The runtime's errors share no public base class; all of them mean that the input did not fit.
            raise InvalidInputError(self._misfit(columns, error)) from error
        return self._make(output)

    def _misfit(self, columns: Columns, error: Exception) -> str:
        for feature in self._manifest.features:
            kind = columns[feature.name].dtype.kind
            if (kind == "O") != (feature.dtype == "string"):
                return f"model {self._manifest.model!r} wants {feature.name!r} as {feature.dtype}, not as dtype {kind}"
        return f"model {self._manifest.model!r} cannot score these columns: {error}"

    def _column_feed(self, columns: Columns) -> dict[str, NDArray[np.generic]]:
        feed: dict[str, NDArray[np.generic]] = {name: columns[name].reshape(-1, 1) for name in self._feeds}
        for name, dtype in self._casts.items():
            feed[name] = feed[name].astype(dtype)
        return feed

    def _matrix_feed(self, columns: Columns) -> dict[str, NDArray[np.generic]]:
        matrix = np.column_stack([columns[name] for name in self._names])
        return {self._matrix_input: matrix.astype(self._matrix)}


def _session(model: bytes) -> "onnxruntime.InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # The runtime's errors share no public base class.
        raise IntegrityError(f"ONNX Runtime cannot open the model: {error}") from error


def _matrix_type(inputs: "list[onnxruntime.NodeArg]", names: tuple[str, ...]) -> DTypeLike | None:
    """Return the type of a single matrix input, or None where every input is a feature."""
    found = {one.name: one.type for one in inputs}
    if set(found) <= set(names):
        return None
    if len(inputs) == 1 and inputs[0].type in _TYPES:
        return _TYPES[inputs[0].type]
    wanted = ", ".join(sorted(set(found) - set(names)))
    raise IntegrityError(
        f"the model's inputs {wanted} are no features: name its inputs after the features, or give it one float matrix"
    )
