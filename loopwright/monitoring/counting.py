"""From logged rows to counts by slot: one pass a column, however many windows and arms the rows belong to."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array, Columns, moments
from loopwright.definitions.model import Model
from loopwright.monitoring.bins import Bins
from loopwright.monitoring.profiles import FeatureProfile, Profile
from loopwright.monitoring.windows import AGE_EDGES, LATENCY_EDGES, AgeCounts, FeatureCounts, Slot, WindowCounts

AGE_SUFFIX = "__age"

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Groups:
    """Which slot each row belongs to; `order` puts the rows of a slot side by side (None: they are already)."""

    slots: tuple[Slot, ...]
    codes: NDArray[np.intp]
    order: NDArray[np.intp] | None
    first: NDArray[np.intp]

    def count(self, codes: NDArray[np.intp], size: int) -> Counts:
        """Return counts [slots, size] of codes below `size`."""
        cells = self.codes * size + codes
        return np.bincount(cells, minlength=len(self.slots) * size).reshape(len(self.slots), size).astype(np.int64)

    def rows_where(self, chosen: NDArray[np.bool_]) -> Counts:
        """Return by slot how many of the chosen rows it has."""
        return np.bincount(self.codes[chosen], minlength=len(self.slots)).astype(np.int64)

    def range(self, values: NDArray[np.float64]) -> tuple[list[float | None], list[float | None]]:
        """Return the least and the greatest finite number of every slot."""
        finite = np.where(np.isinf(values), np.nan, values)
        ordered = finite if self.order is None else finite[self.order]
        low, high = np.fmin.reduceat(ordered, self.first), np.fmax.reduceat(ordered, self.first)
        return _numbers(low), _numbers(high)


def read_columns_of(model: Model, profiled: Mapping[str, object]) -> tuple[str, ...]:
    """Return which columns of the log the counting wants."""
    own = ("prediction_id", "arm", "model_version", "predicted_at", "score", "prediction", "latency_ms")
    return (*own, *(f"{view.name}{AGE_SUFFIX}" for view in model.views), *profiled)


def count_rows(
    rows: Columns, *, model: Model, version: int, window: float, profile: Profile | None
) -> dict[Slot, WindowCounts]:
    """Return the counts of rows of one model version by slot.

    Args:
        rows: of the log of predictions, at least one; repeats are already gone.
        model: whose these are: its views say when a row is stale.
        version: the model version that made them.
        window: its length in seconds; windows start at whole multiples of it since 1970.
        profile: of this version; None: features and scores are not counted.
    """
    groups = _group(rows, version=version, window=window)
    latency = groups.count(Bins("number", LATENCY_EDGES).codes(rows["latency_ms"]), len(LATENCY_EDGES) + 2)
    totals = np.bincount(groups.codes, minlength=len(groups.slots)).tolist()
    features = _features(groups, rows, profile.features) if profile else {}
    scores = _binned(groups, profile.scores.bins, rows["score"]) if profile else None
    has_classes = profile is not None and profile.scores.classes.categories
    classes = _binned(groups, profile.scores.classes, rows["prediction"]) if profile and has_classes else None
    ages = _ages(groups, rows, model)
    return {
        slot: WindowCounts(
            rows=totals[place],
            latency=_ints(latency[place, :-1]),
            scores=() if scores is None else _ints(scores[place, :-1]),
            classes=() if classes is None else _ints(classes[place, :-1]),
            features={name: counts[place] for name, counts in features.items()},
            ages={name: counts[place] for name, counts in ages.items()},
        )
        for place, slot in enumerate(groups.slots)
    }


def window_of(predicted_at: NDArray[np.float64], window: float) -> NDArray[np.int64]:
    """Return the number of the window that each moment falls into, counted from 1970."""
    return np.floor(predicted_at / window).astype(np.int64)


def _group(rows: Columns, *, version: int, window: float) -> _Groups:
    numbers = window_of(moments(rows["predicted_at"]), window)
    arms = sorted(set(rows["arm"].tolist()))
    places = {arm: place for place, arm in enumerate(arms)}
    arm_codes = np.fromiter(map(places.__getitem__, rows["arm"].tolist()), dtype=np.int64, count=len(numbers))
    cells, codes = np.unique(numbers * len(arms) + arm_codes, return_inverse=True)
    slots = tuple(Slot(float(cell // len(arms)) * window, arms[cell % len(arms)], version) for cell in cells.tolist())
    sorted_already = bool(np.all(codes[1:] >= codes[:-1]))
    order = None if sorted_already else np.argsort(codes, kind="stable")
    first = np.searchsorted(codes if order is None else codes[order], np.arange(len(slots)))
    return _Groups(slots, codes, order, first)


def _binned(groups: _Groups, bins: Bins, column: Array) -> Counts:
    return groups.count(bins.codes(column), bins.size + 1)


def _features(groups: _Groups, rows: Columns, profiles: Mapping[str, FeatureProfile]) -> dict[str, list[FeatureCounts]]:
    """Return counts by feature and slot; a column that the log does not have, or now with another type, is left out."""
    return {
        name: _feature(groups, rows[name], profile)
        for name, profile in profiles.items()
        if name in rows and (profile.bins.kind == "category") == (rows[name].dtype == object)
    }


def _feature(groups: _Groups, column: Array, profile: FeatureProfile) -> list[FeatureCounts]:
    counts = _binned(groups, profile.bins, column)
    bins = [tuple(line) for line in counts[:, :-1].tolist()]
    nulls: list[int] = counts[:, -1].tolist()
    if profile.bins.kind == "category":
        return [FeatureCounts(line, null) for line, null in zip(bins, nulls, strict=True)]
    values = column.astype(np.float64, copy=False)
    outside = groups.rows_where(_out_of_range(values, profile)).tolist()
    low, high = groups.range(values)
    return [FeatureCounts(*line) for line in zip(bins, nulls, outside, low, high, strict=True)]


def _out_of_range(values: NDArray[np.float64], profile: FeatureProfile) -> NDArray[np.bool_]:
    outside = np.zeros(len(values), dtype=np.bool_)
    if profile.minimum is not None:
        outside |= values < profile.minimum
    if profile.maximum is not None:
        outside |= values > profile.maximum
    return outside


def _ages(groups: _Groups, rows: Columns, model: Model) -> dict[str, list[AgeCounts]]:
    found: dict[str, list[AgeCounts]] = {}
    bins = Bins("number", AGE_EDGES)
    for view in model.views:
        column = rows.get(f"{view.name}{AGE_SUFFIX}")
        if column is None:
            continue
        ages = column.astype(np.float64, copy=False)
        counts = _binned(groups, bins, ages)
        stale = groups.rows_where(ages > view.ttl.total_seconds()) if view.ttl else np.zeros(len(groups.slots), int)
        found[view.name] = [
            AgeCounts(tuple(line[:-1]), line[-1], over)
            for line, over in zip(counts.tolist(), stale.tolist(), strict=True)
        ]
    return found


def _ints(counts: Counts) -> tuple[int, ...]:
    return tuple(counts.tolist())


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]
