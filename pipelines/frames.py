"""Columns and pandas: what a training function sees, and the target that it learns."""

import numpy as np
import pandas as pd

from loopwright.columns import Array, Columns
from loopwright.definitions.model import Model
from loopwright.errors import InvalidInputError


def frame_of(model: Model, columns: Columns) -> pd.DataFrame:
    """Return the model's features, in its order, as a DataFrame: float64, or str with "" for null.

    Raises:
        InvalidInputError: a feature is not among the columns.
    """
    if missing := [name for name in model.features if name not in columns]:
        raise InvalidInputError(f"model {model.name!r}: no column {missing[0]!r} among the rows")
    series: dict[str, pd.Series] = {}
    for field in model.feature_fields:
        column = columns[field.name]
        series[field.name] = pd.Series(column, dtype="str" if field.dtype == "string" else np.float64)
    return pd.DataFrame(series)


def target_of(model: Model, column: Array) -> Array:
    """Return a column of labels as the task's target; what is null stays null (NaN, or "").

    Binary: 1.0 where the text equals the label's `positive`, or numbers and truth values as they are. Multiclass:
    texts; numbers become texts without a fraction. Regression: numbers.

    Raises:
        InvalidInputError: the labels are not of the task's kind; the message shows one that is not.
    """
    match model.task:
        case "binary":
            return _binary(model, column)
        case "multiclass":
            return _texts(column)
        case "regression":
            return _numbers(model, column)


def known_rows(target: Array) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which rows have a label."""
    known: np.ndarray[tuple[int], np.dtype[np.bool_]] = (target != "") if target.dtype == object else ~np.isnan(target)
    return known.astype(np.bool_)


def target_series(model: Model, target: Array) -> pd.Series:
    """Return the target as a training function gets it: int64 0 and 1, str, or float64."""
    match model.task:
        case "binary":
            return pd.Series(target.astype(np.int64), name=model.label.name)
        case "multiclass":
            return pd.Series(target, name=model.label.name, dtype=object)
        case "regression":
            return pd.Series(target, name=model.label.name)


def _binary(model: Model, column: Array) -> Array:
    positive = model.label.positive
    if column.dtype == object and positive is not None:
        return np.where(column == "", np.nan, (column == positive).astype(np.float64))
    numbers = _numbers(model, column)
    if len(wrong := numbers[~np.isnan(numbers) & (numbers != 0) & (numbers != 1)]):
        raise InvalidInputError(
            f"model {model.name!r}: the label {model.label.name!r} of a binary task is 0 or 1, found {wrong[0]:g}: "
            "mend the observations, or make the task a regression"
        )
    return numbers


def _numbers(model: Model, column: Array) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    if column.dtype.kind in "OM":
        shown = next((str(value) for value in column if str(value)), "")
        hint = "; name the label's `positive` value" if model.task == "binary" else ""
        raise InvalidInputError(f"model {model.name!r}: the label {model.label.name!r} is no number: {shown!r}{hint}")
    numbers = column.astype(np.float64)
    if np.isinf(numbers).any():
        row = int(np.isinf(numbers).argmax())
        raise InvalidInputError(f"model {model.name!r}: the label {model.label.name!r} is infinite in row {row}")
    return numbers


def _texts(column: Array) -> Array:
    if column.dtype == object:
        return column
    texts = ["" if np.isnan(value) else f"{value:g}" for value in column.astype(np.float64)]
    return np.array(texts, dtype=object)
