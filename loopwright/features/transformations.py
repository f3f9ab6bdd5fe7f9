"""On-demand transformations: the user's functions of numpy columns, run and checked alike for one row and a million."""

from collections.abc import Iterable

import numpy as np

from loopwright.columns import Array, Columns, length
from loopwright.definitions.features import Field, OnDemandTransformation
from loopwright.definitions.model import Model
from loopwright.errors import DefinitionError, InvalidInputError


def apply(model: Model, columns: Columns) -> dict[str, Array]:
    """Return the columns and, after them, the outputs of the model's transformations in their order.

    The functions see read-only arrays. Truth values, integers and float32 that they return are kept as float64.

    Raises:
        DefinitionError: a function fails, or its columns are not the declared ones in name, type or length.
        InvalidInputError: an output is infinite; the message names the first row.
    """
    result = dict(columns)
    rows = length(columns)
    for transformation in model.transformations:
        outputs = _run(transformation, result)
        for field in transformation.outputs:
            result[field.name] = _checked(transformation, field, outputs[field.name], rows)
    return result


def _run(transformation: OnDemandTransformation, columns: Columns) -> Columns:
    try:
        with np.errstate(divide="ignore", invalid="ignore"):
            outputs = transformation.function({name: _read_only(columns[name]) for name in transformation.inputs})
    except Exception as error:
        raise DefinitionError(f"{_name(transformation)} fails with {type(error).__name__}: {error}") from error
    if outputs.keys() != {field.name for field in transformation.outputs}:
        wanted = ", ".join(field.name for field in transformation.outputs)
        raise DefinitionError(f"{_name(transformation)} must return {wanted}; it returned {_names(outputs)}")
    return outputs


def _read_only(column: Array) -> Array:
    view = column.view()
    view.flags.writeable = False
    return view


def _checked(transformation: OnDemandTransformation, field: Field, column: object, rows: int) -> Array:
    where = f"{_name(transformation)}, output {field.name!r}"
    if not isinstance(column, np.ndarray) or column.shape != (rows,):
        shape = getattr(column, "shape", type(column).__name__)
        raise DefinitionError(f"{where}: wanted a numpy array of shape ({rows},), got {shape}")
    match field.dtype:
        case "string":
            return _strings(where, column)
        case "time":
            if column.dtype.kind != "M":
                raise DefinitionError(f"{where}: wanted datetime64[us], got {column.dtype}")
            return column.astype("datetime64[us]", copy=False)
        case "float" | "int" | "bool":
            return _numbers(where, column)


def _numbers(where: str, column: Array) -> Array:
    if column.dtype != np.float64:
        if column.dtype.kind not in "biuf":
            raise DefinitionError(f"{where}: wanted float64, got {column.dtype}")
        column = column.astype(np.float64)
    if np.isinf(column).any():
        row = int(np.argmax(np.isinf(column)))
        raise InvalidInputError(f"{where} is infinite in row {row}: return NaN where there is no value")
    return column


def _strings(where: str, column: Array) -> Array:
    if column.dtype.kind == "U":
        return column.astype(object)
    if column.dtype.kind != "O" or not set(map(type, column)) <= {str}:
        raise DefinitionError(f'{where}: wanted an object array of str, "" where there is no value')
    return column


def _name(transformation: OnDemandTransformation) -> str:
    return f"transformation {transformation.name!r}"


def _names(outputs: Iterable[str]) -> str:
    return ", ".join(outputs) or "nothing"
