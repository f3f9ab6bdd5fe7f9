"""From a fitted scikit-learn estimator to ONNX, one input per feature.

Numbers come in as float64. scikit-learn's trees see float32, and ONNX's want it, so for them a cast stands between
preprocessing and trees: without it, forests come out wrong and boosting not at all.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from onnx import ModelProto, TensorProto
from skl2onnx import convert_sklearn
from skl2onnx.common._registration import get_converter
from skl2onnx.common.data_types import DoubleTensorType, StringTensorType
from skl2onnx.sklapi import CastTransformer
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from loopwright.definitions.model import Model

_TREES: Final = ("sklearn.tree.", "sklearn.ensemble.", "lightgbm.", "xgboost.")
_OPSETS: Final = {"": 18, "ai.onnx.ml": 3}


def plans(model: Model, estimator: object) -> tuple[Pipeline, ...]:
    """Return the ways to write an estimator as ONNX, the likeliest first, for `convert` to try."""
    pipeline = _as_pipeline(model, estimator)
    final = type(pipeline.steps[-1][1])
    cast = Pipeline([*pipeline.steps[:-1], ("to_float32", CastTransformer(dtype=np.float32)), pipeline.steps[-1]])
    return (cast, pipeline) if f"{final.__module__}.".startswith(_TREES) else (pipeline, cast)


def _as_pipeline(model: Model, estimator: object) -> Pipeline:
    """Return a pipeline whose first step takes the features by name, as one input each."""
    if isinstance(estimator, Pipeline) and isinstance(estimator.steps[0][1], ColumnTransformer | Pipeline):
        return estimator
    steps = estimator.steps if isinstance(estimator, Pipeline) else [("model", estimator)]
    return Pipeline([("columns", _all_columns(model)), *steps])


def _all_columns(model: Model) -> ColumnTransformer:
    import pandas as pd  # noqa: PLC0415 - only estimators without a first step of their own need an example

    names = list(model.features)
    example = pd.DataFrame({name: [0.0] for name in names})
    return ColumnTransformer([("features", "passthrough", names)]).fit(example)


def convert(model: Model, pipeline: Pipeline) -> bytes:
    """Return a plan as ONNX, in bytes that depend on the estimator alone.

    Raises:
        Exception: whatever the converter raises for a type that it does not know; it has no error class of its own.
    """
    inputs = [
        (field.name, StringTensorType([None, 1]) if field.dtype == "string" else DoubleTensorType([None, 1]))
        for field in model.feature_fields
    ]
    proto = convert_sklearn(
        pipeline,
        name=model.name,
        initial_types=inputs,
        target_opset=_OPSETS,
        options=None if model.task == "regression" else {id(pipeline): {"zipmap": False}},
        custom_conversion_functions={
            SimpleImputer: _convert_imputer,
            HistGradientBoostingClassifier: _convert_boosting,
            HistGradientBoostingRegressor: _convert_boosting,
        },
    )
    return _same_in_every_process(proto)


def _same_in_every_process(proto: ModelProto) -> bytes:
    """Return a model as bytes, with its opsets in order: the converter lists them as a set does, by hash seed."""
    opsets = sorted(proto.opset_import, key=lambda opset: opset.domain)
    del proto.opset_import[:]
    proto.opset_import.extend(opsets)
    data: bytes = proto.SerializeToString(deterministic=True)
    return data


def _convert_imputer(scope: Any, operator: Any, container: Any) -> None:  # noqa: ANN401 - the converter's own types
    """Write an imputer of numbers with operators that know float64; the runtime's Imputer does not."""
    imputer: SimpleImputer = operator.raw_operator
    kind = operator.inputs[0].type
    plain = np.issubdtype(imputer.statistics_.dtype, np.floating) and not imputer.add_indicator
    if not plain or not np.isnan(imputer.missing_values) or np.isnan(imputer.statistics_).any():
        get_converter("SklearnSimpleImputer")(scope, operator, container)
        return
    whole = _joined(scope, operator, container)
    null, fill = scope.get_unique_variable_name("null"), scope.get_unique_variable_name("fill")
    dtype = TensorProto.DOUBLE if isinstance(kind, DoubleTensorType) else TensorProto.FLOAT
    container.add_initializer(fill, dtype, [1, len(imputer.statistics_)], imputer.statistics_)
    container.add_node("IsNaN", [whole], null, name=scope.get_unique_operator_name("IsNaN"), op_version=13)
    where = scope.get_unique_operator_name("Where")
    container.add_node("Where", [null, fill, whole], operator.outputs[0].full_name, name=where, op_version=9)


def _joined(scope: Any, operator: Any, container: Any) -> str:  # noqa: ANN401
    names = [one.full_name for one in operator.inputs]
    if len(names) == 1:
        return str(names[0])
    whole = str(scope.get_unique_variable_name("whole"))
    container.add_node("Concat", names, whole, name=scope.get_unique_operator_name("Concat"), axis=1, op_version=13)
    return whole


def _convert_boosting(scope: Any, operator: Any, container: Any) -> None:  # noqa: ANN401
    """Convert as usual, but write truth values as integers, which is what protobuf takes there."""
    name = f"Sklearn{type(operator.raw_operator).__name__}"
    get_converter(name)(scope, operator, _WholeNumbers(container))


class _WholeNumbers:
    """A converter's container, with lists of truth values turned into lists of 0 and 1 on their way in."""

    def __init__(self, container: Any) -> None:  # noqa: ANN401
        self._container = container

    def __getattr__(self, name: str) -> object:
        return getattr(self._container, name)

    def add_node(self, kind: str, inputs: object, outputs: object, **attributes: object) -> None:
        whole: Mapping[str, object] = {name: _whole(value) for name, value in attributes.items()}
        self._container.add_node(kind, inputs, outputs, **whole)


def _whole(value: object) -> object:
    if isinstance(value, list) and any(isinstance(one, bool | np.bool_) for one in value):
        return [int(one) for one in value]
    return value
