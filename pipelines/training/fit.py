"""Fitting: the user's training function on the training rows, and how a fitted model is kept between steps."""

import secrets
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
import onnx
import pandas as pd
import skops.io
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from typing_extensions import override

from loopwright.columns import Columns, take
from loopwright.definitions.model import Model, TrainingContext
from loopwright.errors import DefinitionError, IntegrityError, LoopwrightError
from loopwright.metrics import Answers
from loopwright.models import open_scorer
from loopwright.models.scorer import Scores, scores_maker
from pipelines.checkpoints import Codec
from pipelines.frames import frame_of, target_series
from pipelines.training.describe import foreign_manifest, plain_manifest
from pipelines.training.observations import TARGET, split_rows
from pipelines.training.request import Parameters
from pipelines.training.skops_export import dump, types_in


class Estimator(Protocol):
    """What is used of a fitted scikit-learn estimator; a regression has neither classes nor probabilities."""

    classes_: NDArray[np.generic]

    def predict(self, rows: pd.DataFrame, /) -> NDArray[np.generic]:
        """Return a value a row."""
        ...

    def predict_proba(self, rows: pd.DataFrame, /) -> NDArray[np.float64]:
        """Return a probability a row and class."""
        ...


Fitted = Estimator | bytes
"""A scikit-learn estimator, or a model that is ONNX already."""

LogMetric = Callable[[str, float, int], None]


def fit(model: Model, parameters: Parameters, columns: Columns, log_metric: LogMetric) -> Fitted:
    """Call the model's training function on the training rows.

    Raises:
        DefinitionError: the function fails, or returns no model.
        InvalidInputError: there are not enough rows.
    """
    trained, _ = split_rows(model, columns)
    rows = take(columns, trained)
    context = TrainingContext(parameters, model.seed, log_metric)
    try:
        fitted = model.train(frame_of(model, rows), target_series(model, rows[TARGET]), context)
    except LoopwrightError:
        raise
    except Exception as error:
        where = f"the training function of {model.name!r}"
        raise DefinitionError(f"{where} fails with {type(error).__name__}: {error}") from error
    return _as_model(model, fitted)


def answer(model: Model, fitted: Fitted, columns: Columns) -> Answers:
    """Return what the fitted model itself, not its export, answers for rows."""
    if isinstance(fitted, bytes):
        return answers(open_scorer(foreign_manifest(model, fitted), fitted).score(columns))
    frame = frame_of(model, columns)
    output = fitted.predict(frame) if model.task == "regression" else fitted.predict_proba(frame)
    made = scores_maker(plain_manifest(model, classes_of(model, fitted)))
    return answers(made(np.asarray(output, dtype=np.float64)))


def answers(scores: Scores) -> Answers:
    """Return a scorer's scores as the answers that metrics measure."""
    return Answers(scores.score, scores.prediction, scores.probabilities, scores.classes)


def classes_of(model: Model, fitted: Estimator) -> tuple[str, ...]:
    """Return the classes that a fitted classifier tells apart, as text; none for a regression.

    Of a binary model the classes are "0" and "1", be it fitted to truth values, to 0.0 and 1.0, or to two texts of
    which the second one is the label's positive.
    """
    if model.task == "regression":
        return ()
    found = fitted.classes_.tolist()
    if model.task == "binary" and len(found) == 2 and (found == [0, 1] or found[1] == model.label.positive):  # noqa: PLR2004
        return ("0", "1")
    return tuple(f"{one:g}" if isinstance(one, float) else str(one) for one in found)


def _as_model(model: Model, fitted: object) -> Fitted:
    if isinstance(fitted, onnx.ModelProto):
        fitted = fitted.SerializeToString(deterministic=True)
    if isinstance(fitted, bytes):
        return fitted
    return checked(model, fitted, f"the training function of {model.name!r} returned")


def checked(model: Model, fitted: object, source: str) -> Estimator:
    """Return an estimator that can answer what the model is asked; `source` says in words who came with it.

    Raises:
        DefinitionError: it is no estimator, cannot tell probabilities, or tells other classes apart.
    """
    if not isinstance(fitted, BaseEstimator):
        raise DefinitionError(
            f"{source} {type(fitted).__name__}: wanted a fitted scikit-learn estimator, or an ONNX model"
        )
    wanted = "predict" if model.task == "regression" else "predict_proba"
    if not hasattr(fitted, wanted):
        raise DefinitionError(
            f"{source} {type(fitted).__name__}, which has no {wanted}: "
            f"a {model.task} model needs it (wrap it, for example in CalibratedClassifierCV)"
        )
    if model.task == "binary" and classes_of(model, fitted) != ("0", "1"):
        raise DefinitionError(
            f"model {model.name!r} is binary but was fitted to the classes {', '.join(classes_of(model, fitted))}: "
            "fit it to 0 and 1"
        )
    estimator: Estimator = fitted
    return estimator


class FittedCodec(Codec[Fitted]):
    """Keeps ONNX as it is and estimators as skops files of allowed types. What is neither is fitted again."""

    @override
    def encode(self, value: Fitted) -> bytes:
        if isinstance(value, bytes):
            return _ONNX + value
        try:
            data = dump(value)
        except Exception:  # noqa: BLE001 - skops has no error class of its own; any failure means "cannot be kept"
            return _NOT_KEPT + secrets.token_bytes(16)
        _, refused = types_in(data)
        # The random bytes give the result an address of its own: what follows from it is made again, too.
        return _NOT_KEPT + secrets.token_bytes(16) if refused else _SKOPS + data

    @override
    def decode(self, data: bytes) -> Fitted:
        kind, content = data[: len(_ONNX)], data[len(_ONNX) :]
        if kind == _ONNX:
            return content
        if kind != _SKOPS:
            raise IntegrityError("the fitted model could not be kept")
        types, refused = types_in(content)
        if refused:
            raise IntegrityError(f"the checkpoint wants to load {', '.join(refused)}: it is fitted again instead")
        estimator: Estimator = skops.io.loads(content, trusted=list(types))
        return estimator


_ONNX: Final = b"onnx:"
_SKOPS: Final = b"skop:"
_NOT_KEPT: Final = b"none:"
