"""Whether a notebook's model wants the columns that the project's model gives, and in which order it takes them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from loopwright.columns import DType, empty
from loopwright.definitions.model import Model
from loopwright.errors import InvalidInputError
from pipelines.adopting.mlmodel import InputColumn
from pipelines.frames import frame_of
from pipelines.training.fit import Estimator

_NUMBERS: Final = frozenset({"boolean", "integer", "long", "float", "double"})


def check_signature(model: Model, inputs: Sequence[InputColumn], what: str) -> None:
    """Check a signature's columns against the model's features, by name and type; the order may be another.

    Raises:
        InvalidInputError: they are not the same; every difference is named.
    """
    dtypes: Mapping[str, DType] = {field.name: field.dtype for field in model.feature_fields}
    wrong = [
        f"{one.name} is {one.kind} there and {dtypes[one.name]} here"
        for one in inputs
        if one.name in dtypes and not _same(one.kind, dtypes[one.name])
    ]
    _refuse(model, [*_names([one.name for one in inputs], model), *wrong], what)


def check_names(model: Model, names: Sequence[str] | None, what: str, *, signed: bool) -> None:
    """Check the names of the columns that an estimator was fitted to; None: it was fitted to columns without names.

    Raises:
        InvalidInputError: they are not the model's features, or neither the estimator nor a signature names any.
    """
    if names is not None:
        _refuse(model, list(_names(names, model)), what)
    elif not signed:
        raise InvalidInputError(
            f"{what} does not say which columns it wants: fit it to a DataFrame, or log it with a signature "
            "(mlflow.models.infer_signature)"
        )


def in_order(model: Model, estimator: Estimator, names: Sequence[str]) -> Estimator:
    """Return the estimator, taking the model's features in the model's order whatever its own order is."""
    first = estimator.steps[0][1] if isinstance(estimator, Pipeline) else estimator
    if tuple(names) == model.features or isinstance(first, ColumnTransformer):
        # Which of a frame's columns it takes, a column transformer finds by their names.
        return estimator
    order = ColumnTransformer([("features", "passthrough", list(names))], verbose_feature_names_out=False)
    order.set_output(transform="pandas").fit(_example(model))
    whole: Estimator = Pipeline([("order", order), ("model", estimator)])
    return whole


def fitted_names(estimator: BaseEstimator) -> tuple[str, ...] | None:
    """Return the names of the columns that an estimator was fitted to; None where they had none."""
    found = getattr(estimator, "feature_names_in_", None)
    return None if found is None else tuple(str(name) for name in found)


def _names(names: Sequence[str], model: Model) -> Iterator[str]:
    yield from (f"{name} is no feature of {model.name!r}" for name in names if name not in model.features)
    yield from (
        f"{name} is a feature of {model.name!r} that it does not take" for name in model.features if name not in names
    )


def _example(model: Model) -> pd.DataFrame:
    """Return one row of nothing in particular."""
    row = {field.name: empty(field.dtype, 1) for field in model.feature_fields}
    return frame_of(model, row)


def _same(kind: str, dtype: DType) -> bool:
    return kind == "string" if dtype == "string" else kind in _NUMBERS


def _refuse(model: Model, problems: Sequence[str], what: str) -> None:
    if problems:
        raise InvalidInputError(
            f"{what} does not take the features of the project's model {model.name!r}, which are "
            f"{', '.join(f'{field.name} ({field.dtype})' for field in model.feature_fields)}: train it on these, or "
            "change the definition",
            tuple(problems),
        )
