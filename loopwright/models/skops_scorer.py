"""Scoring by scikit-learn itself, for models that ONNX cannot express: slower to start and to run, and as exact."""

import numpy as np
from typing_extensions import override

from loopwright.columns import Columns
from loopwright.errors import CapabilityError, IntegrityError, InvalidInputError
from loopwright.models.manifest import Manifest
from loopwright.models.scorer import Scorer, Scores, scores_maker
from loopwright.models.trust import refused_types


class SkopsScorer(Scorer):
    """Runs `model.skops`, loaded with the types that its manifest lists and no others."""

    def __init__(self, manifest: Manifest, model: bytes) -> None:
        """Load the estimator.

        Raises:
            IntegrityError: it holds types that it may not.
            CapabilityError: scikit-learn is not installed here, as in a package that serves ONNX alone.
        """
        try:
            import skops.io
            from skops.io.exceptions import UntrustedTypesFoundException
        except ImportError as error:
            raise CapabilityError(
                f"model {manifest.model!r} is run by scikit-learn, which is not installed here ({error}): build "
                "it from what ONNX can express, and train again"
            ) from error

        if refused := refused_types(manifest.trusted_types):
            raise IntegrityError(f"model {manifest.model!r} wants to load {', '.join(refused)}: nothing was loaded")
        try:
            self._estimator = skops.io.loads(model, trusted=list(manifest.trusted_types))
        except UntrustedTypesFoundException as error:
            raise IntegrityError(f"model {manifest.model!r} holds types that its manifest does not list") from error
        self._manifest = manifest
        self._names = [feature.name for feature in manifest.features]
        self._make = scores_maker(manifest)

    @property
    @override
    def manifest(self) -> Manifest:
        return self._manifest

    @override
    def score(self, columns: Columns) -> Scores:
        import pandas as pd

        if missing := [name for name in self._names if name not in columns]:
            raise InvalidInputError(f"model {self._manifest.model!r} wants the feature {missing[0]!r}")
        frame = pd.DataFrame({name: columns[name] for name in self._names})
        try:
            if self._manifest.task == "regression":
                return self._make(np.asarray(self._estimator.predict(frame), dtype=np.float64))
            return self._make(np.asarray(self._estimator.predict_proba(frame), dtype=np.float64))
        except (TypeError, ValueError) as error:
            raise InvalidInputError(f"model {self._manifest.model!r} cannot score these columns: {error}") from error
