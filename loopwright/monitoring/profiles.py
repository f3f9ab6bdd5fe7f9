"""A profile: what the training data looked like, in a few kilobytes, so that drift needs no raw reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array, Columns, length
from loopwright.definitions.features import Field
from loopwright.definitions.model import Model
from loopwright.errors import IntegrityError, InvalidInputError
from loopwright.monitoring.bins import CATEGORIES, Bins, category_bins, numeric_bins

PROFILE_FILE: Final = "profile.json"
"""The profile's name in a model's folder."""

SCORE_BINS: Final = 100
"""Scores are counted finer than features: estimated performance needs it. For drift, five and five are merged."""


@dataclass(frozen=True, slots=True)
class FeatureProfile:
    """One column at training: its bins and counts, nulls apart, its range, and what counts as valid.

    Attributes:
        bins: see `Bins`.
        counts: rows by bin.
        nulls: rows without a value.
        low: the least number seen; None for texts and where there was none.
        high: the greatest number seen.
        minimum: the least valid number by definition.
        maximum: the greatest valid number by definition.
        known: the known categories; None: any text is known.
    """

    bins: Bins
    counts: tuple[int, ...]
    nulls: int
    low: float | None = None
    high: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    known: tuple[str, ...] | None = None

    @property
    def null_share(self) -> float:
        """The share of rows without a value."""
        rows = sum(self.counts) + self.nulls
        return self.nulls / rows if rows else 0.0


@dataclass(frozen=True, slots=True)
class ScoreProfile:
    """Scores on held-out rows, and how often the score came true: its calibration.

    Attributes:
        bins: up to `SCORE_BINS` of them.
        counts: held-out rows by bin.
        hits: how many of them were positive (binary) or predicted rightly (multiclass); None for regression.
        classes: bins of the predicted classes; empty for regression.
        class_counts: held-out rows by predicted class, last the others.
    """

    bins: Bins
    counts: tuple[int, ...]
    hits: tuple[int, ...] | None
    classes: Bins
    class_counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """What a model version was trained on, and how well it did on held-out rows.

    Attributes:
        model: the model's name.
        rows: how many training rows there were.
        features: by name: the model's features, and the request fields and view features behind them.
        scores: on held-out rows.
        metrics: on held-out rows, finite ones only.
        format: of this file.
    """

    model: str
    rows: int
    features: Mapping[str, FeatureProfile]
    scores: ScoreProfile
    metrics: Mapping[str, float]
    format: Literal["loopwright.profile/1"] = "loopwright.profile/1"

    def to_json(self) -> bytes:
        """Return the profile as JSON; equal profiles give equal bytes."""
        return msgspec.json.encode(self, order="deterministic")

    @classmethod
    def from_json(cls, data: bytes) -> "Profile":
        """Return the profile, or raise `IntegrityError` if `data` is not one of this format."""
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.MsgspecError as error:
            raise IntegrityError(f"{PROFILE_FILE} is not a profile of a known format: {error}") from error


def watched_fields(model: Model) -> tuple[Field, ...]:
    """Return the fields that are profiled: features, request fields, view features; no times, no mere keys."""
    fields = (
        *model.feature_fields,
        *model.request,
        *(feature for view in model.views for feature in view.features),
    )
    keys = {name for view in model.views for name in view.entity.key_names} | set(model.entity.key_names)
    mere_keys = keys - set(model.features) - {field.name for field in model.request if field.categories}
    return tuple({one.name: one for one in fields if one.dtype != "time" and one.name not in mere_keys}.values())


def build_profile(
    model: Model,
    columns: Columns,
    *,
    scores: NDArray[np.float64],
    target: Array,
    predictions: NDArray[np.object_] | None = None,
    metrics: Mapping[str, float] | None = None,
) -> Profile:
    """Return the profile of a training.

    Args:
        model: what was trained.
        columns: the training rows; watched fields that are not among them are left out, except the model's features.
        scores: on held-out rows: the probability of the positive class (binary) or of the predicted class
            (multiclass), or the predicted value.
        target: the truth of the same held-out rows: 0.0 and 1.0 (binary), texts (multiclass) or numbers.
        predictions: the predicted classes of the same rows, as the log holds them ("0" and "1" for binary).
        metrics: on the held-out rows.

    Raises:
        InvalidInputError: a feature's column is missing, there are no rows, or the lengths differ.
    """
    rows = length(columns)
    if missing := [name for name in model.features if name not in columns]:
        raise InvalidInputError(f"profile of {model.name!r}: no column {missing[0]!r} among the training rows")
    if not rows or not len(scores):
        raise InvalidInputError(f"profile of {model.name!r}: {rows} training rows and {len(scores)} scored rows")
    if len(scores) != len(target) or (predictions is not None and len(predictions) != len(scores)):
        raise InvalidInputError(f"profile of {model.name!r}: scores, predictions and target differ in length")
    return Profile(
        model=model.name,
        rows=rows,
        features={
            field.name: profile_column(field, columns[field.name])
            for field in watched_fields(model)
            if field.name in columns
        },
        scores=_profile_scores(model, scores, target, predictions),
        metrics={name: float(value) for name, value in (metrics or {}).items() if np.isfinite(value)},
    )


def profile_column(field: Field, column: Array) -> FeatureProfile:
    """Return the profile of one column."""
    if field.dtype == "string":
        texts = column.astype(object, copy=False)
        bins = category_bins(texts, first=field.categories)
        counts = bins.count(texts)
        complete = len(bins.categories) < CATEGORIES
        known = field.categories or (bins.categories if complete else None)
        return FeatureProfile(bins, _ints(counts[:-1]), int(counts[-1]), known=known)
    values = column.astype(np.float64, copy=False)
    bins = numeric_bins(values)
    counts = bins.count(values)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (None, None)
    return FeatureProfile(bins, _ints(counts[:-1]), int(counts[-1]), low, high, field.minimum, field.maximum)


def _profile_scores(
    model: Model, scores: NDArray[np.float64], target: Array, predictions: NDArray[np.object_] | None
) -> ScoreProfile:
    bins = numeric_bins(scores, most=SCORE_BINS)
    codes = bins.codes(scores)
    counts = np.bincount(codes, minlength=bins.size + 1)[:-1]
    classes = Bins("category") if predictions is None else category_bins(predictions)
    class_counts = () if predictions is None else _ints(classes.count(predictions)[:-1])
    match model.task:
        case "binary":
            right = target.astype(np.float64)
        case "multiclass" if predictions is not None:
            right = (target == predictions).astype(np.float64)
        case _:
            return ScoreProfile(bins, _ints(counts), None, classes, class_counts)
    hits = np.bincount(codes, weights=right, minlength=bins.size + 1)[:-1]
    return ScoreProfile(bins, _ints(counts), _ints(hits), classes, class_counts)


def _ints(counts: NDArray[np.generic]) -> tuple[int, ...]:
    return tuple(int(count) for count in counts.tolist())
