"""What was logged since a version of the lake, each prediction once."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Columns, length, moments, take
from loopwright.errors import NotFoundError
from loopwright.monitoring.counting import window_of
from loopwright.monitoring.store import NOTHING
from loopwright.ports.lake import Between, Lake, Selection

_IDENTITY = ("prediction_id", "arm")


def predictions_table(model_name: str) -> str:
    """Return the lake table of a model's predictions."""
    return f"predictions/{model_name}"


def labels_table(model_name: str) -> str:
    """Return the lake table of a model's labels."""
    return f"labels/{model_name}"


def new_predictions(
    lake: Lake, table: str, *, since: int, until: int, columns: Sequence[str], window: float
) -> Columns:
    """Return the rows that were logged in (since, until], without repeats; wanted columns that are not there stay out.

    A repeat has the (prediction_id, arm) of a row that came before it. Repeats are looked for among the new rows and in
    the log's older rows, in the windows that new rows fall into and one beside them: redelivered rows carry the moment
    of the first, so only an id that a caller uses again after a whole window is taken for another prediction.
    """
    there = lake.schema(table, version=until)
    selection = Selection(tuple(dict.fromkeys(name for name in columns if name in there)))
    rows = appended(lake, table, since=since, until=until, selection=selection)
    rows = _without(rows, np.isnan(moments(rows["predicted_at"])))
    once = take(rows, first_of_each(rows))
    if since == NOTHING or not length(rows):
        return once
    older = _ids_before(lake, table, rows, until=until, window=window)
    return _without(once, _among(once, older))


def appended(lake: Lake, table: str, *, since: int, until: int, selection: Selection) -> Columns:
    """Return the rows that were appended in (since, until]; from the very start they are read without the history."""
    if since == NOTHING:
        return lake.read_columns(table, selection, version=until)
    return lake.changed_columns(table, since=since, until=until, selection=selection)


def appended_or_all(lake: Lake, table: str, *, since: int, until: int, selection: Selection) -> Columns:
    """Return the rows that were appended in (since, until], or all rows where a version in between has expired."""
    try:
        return appended(lake, table, since=since, until=until, selection=selection)
    except NotFoundError:
        return lake.read_columns(table, selection, version=until)


def first_of_each(rows: Columns) -> NDArray[np.intp] | slice:
    """Return the rows that come first with their (prediction_id, arm), in order."""
    kept: list[NDArray[np.intp]] = []
    for places, ids in _by_arm(rows):
        if len(set(ids)) == len(ids):
            kept.append(places)
            continue
        first = dict(zip(reversed(ids), reversed(places.tolist()), strict=True))
        kept.append(np.fromiter(first.values(), dtype=np.intp, count=len(first)))
    chosen = np.concatenate(kept) if kept else np.empty(0, dtype=np.intp)
    return slice(None) if len(chosen) == length(rows) else np.sort(chosen)


def _ids_before(lake: Lake, table: str, rows: Columns, *, until: int, window: float) -> dict[str, Counter[str]]:
    """Return by arm which ids are in the log around the new rows more often than these say.

    That is read from the version that the fold goes to, for the one that it comes from may have expired.
    """
    logged: dict[str, Counter[str]] = {}
    for low, high in _stretches(window_of(moments(rows["predicted_at"]), window)):
        where = (Between("predicted_at", low * window, high * window),)
        found = lake.read_columns(table, Selection(_IDENTITY, where), version=until)
        for places, ids in _by_arm(found):
            logged.setdefault(found["arm"][places[0]], Counter()).update(ids)
    for places, ids in _by_arm(rows):
        logged[rows["arm"][places[0]]].subtract(ids)
    return logged


def _among(rows: Columns, older: dict[str, Counter[str]]) -> NDArray[np.bool_]:
    seen = np.zeros(length(rows), dtype=np.bool_)
    for places, ids in _by_arm(rows):
        times = np.fromiter(map(older[rows["arm"][places[0]]].__getitem__, ids), dtype=np.int64, count=len(ids))
        seen[places] = times > 0
    return seen


def _stretches(windows: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield stretches [low, high) that cover all windows and one on either side; near ones are read together."""
    numbers = np.unique(windows)
    gaps = np.flatnonzero(np.diff(numbers) > 3) + 1  # noqa: PLR2004 - their margins touch
    for part in np.split(numbers, gaps):
        yield int(part[0]) - 1, int(part[-1]) + 2


def _by_arm(rows: Columns) -> Iterator[tuple[NDArray[np.intp], list[str]]]:
    arms = rows["arm"].tolist()
    for arm in sorted(set(arms)):
        places = np.flatnonzero(rows["arm"] == arm)
        if len(places):
            yield places, rows["prediction_id"][places].tolist()


def _without(rows: Columns, dropped: NDArray[np.bool_]) -> Columns:
    return take(rows, ~dropped) if dropped.any() else rows
