"""What a file holds: which columns can be features, what the task is, how much there is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from loopwright.definitions import Field
from loopwright.definitions.model import Task
from loopwright.definitions.names import RESERVED
from loopwright.errors import InvalidInputError
from loopwright.features.engine import quoted
from pipelines.files import DataFile, FileColumn, selected

LEAST_ROWS: Final = 100
"""Labelled rows without which there is nothing to learn from and to hold out."""

_MOST_CATEGORIES: Final = 30
_MOST_WRONG_NUMBERS: Final = 0.1
"""A column with a smaller share of values that are no numbers is one of numbers with mistakes."""

_MOST_CLASSES: Final = 20
_POSITIVE: Final = ("1", "true", "yes", "y", "t", "positive", "pos")


@dataclass(frozen=True, slots=True)
class Target:
    """The label: its column, and the task that follows from its values.

    Attributes:
        column: where it is.
        task: binary for two values, regression for other numbers, multiclass for other texts.
        positive: for a binary task, the text that counts as 1; None: the values are numbers or truth values.
        spread: for a regression, the standard deviation, else 0.
    """

    column: FileColumn
    task: Task
    positive: str | None = None
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Span:
    """How much there is: labelled rows, the newest fifth's length and how many labelled rows it has."""

    rows: int
    holdout: timedelta
    holdout_rows: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found in a file.

    Attributes:
        key: the entity's column.
        time: the column of event times.
        target: the label.
        features: the columns that can be features, and the field that each becomes.
        left_out: the other columns, each with the reason.
        span: how much there is.
    """

    key: FileColumn
    time: FileColumn
    target: Target
    features: tuple[tuple[FileColumn, Field], ...]
    left_out: tuple[tuple[str, str], ...]
    span: Span


def survey(file: DataFile, *, label: str, entity: str, time: str, positive: str | None = None) -> Survey:
    """Look at a file.

    Raises:
        InvalidInputError: a column is missing, times cannot be read, the label says nothing, or there are too few rows.
    """
    key, when, truth = file.column(entity, "--entity"), file.column(time, "--time"), file.column(label, "--label")
    if len({key.name, when.name, truth.name}) < len((key, when, truth)):
        raise InvalidInputError("label, entity and time must be three different columns")
    when = _checked_time(file, when)
    _check_key(file, key)
    key = FileColumn(key.source, _field_name(key), "int" if key.dtype == "int" else "string")
    target = _target(file, truth, positive)
    features, left_out = [], []
    for column in file.columns:
        if column.name in {key.name, when.name, truth.name}:
            continue
        found = _field(file, column)
        if isinstance(found, Field):
            features.append((FileColumn(column.source, found.name, column.dtype), found))
        else:
            left_out.append((column.source, found))
    if not features:
        raise InvalidInputError(f"{file.path.name} has no column that could be a feature: {_told(left_out)}")
    return Survey(key, when, target, tuple(features), tuple(left_out), _span(file, when, truth))


def _checked_time(file: DataFile, column: FileColumn) -> FileColumn:
    if column.dtype not in {"time", "string"}:
        raise InvalidInputError(f"column {column.source!r} for --time holds {column.dtype}; wanted dates or times")
    moment = f"TRY_CAST({quoted(column.source)} AS TIMESTAMPTZ)"
    query = f"SELECT any_value({quoted(column.source)}::VARCHAR), count(*) FROM source WHERE {moment} IS NULL"  # noqa: S608
    example, count = file.one(query)
    if count:
        got = "nothing" if example is None else repr(example)
        raise InvalidInputError(
            f"column {column.source!r} for --time: {count} values are no times, one of them is {got}; "
            "wanted such as 2024-05-31 or 2024-05-31T12:00:00Z"
        )
    return FileColumn(column.source, column.name, "time")


def _check_key(file: DataFile, column: FileColumn) -> None:
    (nulls,) = file.one(f"SELECT count(*) FROM source WHERE {quoted(column.source)} IS NULL")  # noqa: S608
    if nulls:
        raise InvalidInputError(f"column {column.source!r} for --entity: {nulls} rows have no value; each needs one")


def _target(file: DataFile, column: FileColumn, positive: str | None) -> Target:
    query = (
        f"SELECT {selected(column)}::VARCHAR AS value, count(*) FROM source WHERE {quoted(column.source)} IS NOT NULL "  # noqa: S608
        f"GROUP BY value ORDER BY count(*), value LIMIT {_MOST_CLASSES + 1}"
    )
    values = [str(value) for value, _ in file.connection.execute(query).fetchall()]
    if len(values) < 2:  # noqa: PLR2004 - one value cannot be told from another
        told = f"is always {values[0]!r}" if values else "has no value at all"
        raise InvalidInputError(f"column {column.source!r} for --label {told}: there is nothing to predict")
    if column.dtype == "time":
        raise InvalidInputError(f"column {column.source!r} for --label holds times; wanted classes or numbers")
    if len(values) == 2:  # noqa: PLR2004
        return Target(column, "binary", _positive(column, values, positive))
    if column.dtype in {"int", "float"}:
        (spread,) = file.one(f"SELECT stddev_pop({selected(column)}) FROM source")  # noqa: S608
        return Target(column, "regression", spread=spread if isinstance(spread, float) else 0.0)
    if len(values) > _MOST_CLASSES:
        raise InvalidInputError(
            f"column {column.source!r} for --label has more than {_MOST_CLASSES} different texts: "
            "group them, or choose a column of numbers"
        )
    return Target(column, "multiclass")


def _positive(column: FileColumn, values: Sequence[str], wanted: str | None) -> str | None:
    """Return which text counts as 1: what was wanted, else what means yes, else the rarer one. None: 0 and 1 as is."""
    if wanted is not None:
        if wanted not in values:
            raise InvalidInputError(f"--positive {wanted!r}: the label has {values[0]!r} and {values[1]!r}")
        return wanted
    if column.dtype == "bool" or {float(one) if one.isdecimal() else one for one in values} == {0.0, 1.0}:
        return None
    return next((value for value in values if value.lower() in _POSITIVE), values[0])


def _field(file: DataFile, column: FileColumn) -> Field | str:
    """Return the field that a column becomes, or why it becomes none."""
    name, one = quoted(column.source), selected(column)
    known = f"(FROM source WHERE NOT isnan({name}))" if column.dtype == "float" else "source"  # NaN is a null, too
    query = f"SELECT count({name}), count(DISTINCT {name}), min({one}), max({one}) FROM {known}"  # noqa: S608
    filled, different, low, high = file.one(query)
    (rows,) = file.one("SELECT count(*) FROM source")
    if not isinstance(rows, int) or not isinstance(filled, int) or not isinstance(different, int):
        raise TypeError("a count is an integer")
    nullable = filled < rows
    if different < 2:  # noqa: PLR2004
        return "it is always the same"
    match column.dtype:
        case "time":
            return "it is a time: turn it into a number, such as days before the event, to use it"
        case "float" | "int":
            return _number(column, low, high, nullable=nullable)
        case "bool":
            return Field(_field_name(column), "bool", nullable=nullable)
        case "string":
            if (wrong := _wrong_texts(file, column, filled, different)) is not None:
                return wrong
            categories = _categories(file, column, different)
            return Field(_field_name(column), "string", nullable=nullable, categories=categories)


def _number(column: FileColumn, low: object, high: object, *, nullable: bool) -> Field | str:
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        raise TypeError("the bounds of numbers are numbers")
    if not math.isfinite(low) or not math.isfinite(high):
        return "it has infinite values: mend the file to use it"
    return Field(_field_name(column), column.dtype, nullable=nullable, minimum=float(low), maximum=float(high))


def _wrong_texts(file: DataFile, column: FileColumn, filled: int, different: int) -> str | None:
    """Return why a column of texts can be no feature, or None."""
    name = quoted(column.source)
    query = (
        f"SELECT any_value({name}::VARCHAR), count(*) FROM source "  # noqa: S608 - the name is quoted
        f"WHERE {name} IS NOT NULL AND NOT coalesce(isfinite(TRY_CAST({name} AS DOUBLE)), FALSE)"
    )
    example, count = file.one(query)
    if isinstance(count, int) and 0 < count < filled * _MOST_WRONG_NUMBERS:
        return f"{count:,} of {filled:,} values are no numbers, one of them is {example!r}: mend the file to use it"
    if different > _MOST_CATEGORIES and different > filled / 2:
        return f"{different:,} different texts in {filled:,} rows: an identity or free text"
    return None


def _field_name(column: FileColumn) -> str:
    """Return the column's name, with a tail where the log of predictions has a column of that name."""
    return f"{column.name}_value" if column.name in RESERVED else column.name


def _categories(file: DataFile, column: FileColumn, different: int) -> tuple[str, ...]:
    if different > _MOST_CATEGORIES:
        return ()
    name = quoted(column.source)
    query = f"SELECT DISTINCT {name}::VARCHAR AS value FROM source WHERE {name} IS NOT NULL ORDER BY value"  # noqa: S608
    return tuple(str(value) for (value,) in file.connection.execute(query).fetchall() if value != "")


def _span(file: DataFile, time: FileColumn, label: FileColumn) -> Span:
    moment = f"epoch({selected(time)})"
    labelled = f"FROM source WHERE {quoted(label.source)} IS NOT NULL"
    rows, newest, cut = file.one(f"SELECT count(*), max({moment}), quantile_cont({moment}, 0.8) {labelled}")
    if not isinstance(rows, int) or rows < LEAST_ROWS:
        raise InvalidInputError(
            f"{file.path.name} has {rows} rows with a label; at least {LEAST_ROWS} are needed to train and to hold out"
        )
    if not isinstance(newest, float) or not isinstance(cut, float) or newest - cut < 1:
        raise InvalidInputError(
            f"column {time.source!r} for --time: the newest fifth of the rows have the same moment; "
            "an evaluation on newer rows needs them spread over time"
        )
    unit = 86_400 if newest - cut > 2 * 86_400 else 3600 if newest - cut > 2 * 3600 else 1
    holdout = max(round((newest - cut) / unit), 1) * unit
    (held,) = file.one(f"SELECT count(*) {labelled} AND {moment} > {newest - holdout!r}")
    return Span(rows, timedelta(seconds=holdout), held if isinstance(held, int) else 0)


def _told(left_out: Sequence[tuple[str, str]]) -> str:
    return "; ".join(f"{name}: {why}" for name, why in left_out) or "there are no other columns"
