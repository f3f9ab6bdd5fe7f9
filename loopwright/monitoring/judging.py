"""Measures performance again wherever new predictions or new labels change it."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Columns, length, moments, take
from loopwright.definitions.model import Model
from loopwright.metrics import Answers
from loopwright.monitoring.counting import window_of
from loopwright.monitoring.fold import Folded
from loopwright.monitoring.history import judged_span
from loopwright.monitoring.labelled import Labelled, join_labels, read_predictions, windows_of_labels
from loopwright.monitoring.newcomers import appended_or_all, labels_table, predictions_table
from loopwright.monitoring.performance import Measured, measured
from loopwright.monitoring.store import NOTHING, Judged, Stretch, WindowStore
from loopwright.monitoring.windows import ALL_VERSIONS, Slot
from loopwright.ports.lake import Lake, Selection
from loopwright.ports.table import Absent, Check, Put, Table, Version

_SOON = 2
"""Windows: most labels land within so many after their prediction."""


class Judging:
    """Keeps the measured performance of one model's windows as the lake says it is."""

    def __init__(self, lake: Lake, table: Table, model: Model, store: WindowStore, *, chunk: int) -> None:
        self._lake = lake
        self._table = table
        self._model = model
        self._store = store
        self._chunk = chunk
        self._window = model.monitors.window.total_seconds()
        self._span = max(round(judged_span(model) / self._window), 1)

    def run(self, folded: Folded) -> int:
        """Measure what changed up to where a fold has come and the newest labels; return how many labels came.

        Windows are computed from the lake and written whole, and the versions that were looked at are written last:
        repeated after a crash it comes to the same. Where versions in between have expired, everything is looked at.

        Raises:
            ConflictError: another monitor measures the same model at this moment; it does the work.
        """
        labels = self._lake.version(labels_table(self._model.name))
        before, expect = self._store.judged()
        predictions = folded.version
        if labels is None or predictions == NOTHING or before == Judged(predictions, labels):
            return 0
        fresh = self._fresh_labels(before.labels, labels)
        made = self._made_since(before.predictions, folded)
        rows, touched = self._touched(made, fresh, version=predictions)
        puts = list(self._measure(rows, touched, labels=labels)) if len(touched) else []
        self._write(puts, Judged(predictions, labels), expect)
        return length(fresh)

    def _fresh_labels(self, since: int, until: int) -> Columns:
        selection = Selection(("prediction_id", "labeled_at"))
        return appended_or_all(
            self._lake, labels_table(self._model.name), since=since, until=until, selection=selection
        )

    def _made_since(self, since: int, folded: Folded) -> NDArray[np.int64]:
        """Return the windows of predictions since a version: those of the fold, where it began at that version."""
        if since in (folded.since, folded.version):
            return np.array(sorted(folded.windows if since == folded.since else ()), dtype=np.int64)
        table, selection = predictions_table(self._model.name), Selection(("predicted_at",))
        rows = appended_or_all(self._lake, table, since=since, until=folded.version, selection=selection)
        made = moments(rows["predicted_at"])
        return np.unique(window_of(made[~np.isnan(made)], self._window))

    def _touched(self, made: NDArray[np.int64], labels: Columns, *, version: int) -> tuple[Columns, NDArray[np.int64]]:
        """Return the windows whose performance changed, and predictions that reach back far enough to measure it.

        Most labels land soon, so the nearest predictions are looked at first, and those back to the horizon only if
        there are labels whose prediction was not among them.
        """
        landed = moments(labels["labeled_at"])
        dated = np.concatenate([made * self._window, landed[~np.isnan(landed)]])
        rows: Columns = {}
        touched = np.empty(0, dtype=np.int64)
        if not len(dated):
            return rows, touched
        ids, earliest = labels["prediction_id"].tolist(), dated.min()
        for reach in (_SOON * self._window, self._model.label.horizon.total_seconds()):
            low = (np.floor((earliest - reach) / self._window) - self._span + 1) * self._window
            rows = read_predictions(self._lake, self._model, version=version, low=float(low))
            labelled, complete = windows_of_labels(rows, ids)
            touched = np.union1d(made, window_of(labelled, self._window))
            if complete:
                break
        return rows, touched

    def _measure(self, rows: Columns, touched: NDArray[np.int64], *, labels: int) -> Iterator[Put]:
        numbers = window_of(moments(rows["predicted_at"]), self._window)
        newest, needed = int(numbers[-1]), [int(touched[0]) - self._span + 1, int(touched[-1]) + self._span]
        first, last = np.searchsorted(numbers, needed)
        joined = join_labels(self._lake, self._model, take(rows, slice(int(first), int(last))), version=labels)
        for window in touched.tolist():
            yield from self._slots("performance", joined, window, window + 1)
        ends = np.unique(touched[:, None] + np.arange(self._span))
        for window in ends[ends <= newest].tolist():
            yield from self._slots("merged", joined, window - self._span + 1, window + 1)

    def _slots(self, stretch: Stretch, joined: Labelled, first: int, last: int) -> Iterator[Put]:
        """Yield performance by arm and version of the windows [first, last), kept under the last of them."""
        part = joined.between(first * self._window, last * self._window)
        start = (last - 1) * self._window
        for arm in sorted(set(part.rows["arm"].tolist())):
            of_arm = part.where(part.rows["arm"] == arm)
            for version, found in self._versions(of_arm, together=stretch == "merged"):
                yield self._store.measured_put(stretch, Slot(start, arm, version), found)

    def _versions(self, part: Labelled, *, together: bool) -> Iterator[tuple[int, Measured]]:
        """Yield performance by version, and of all versions together if that is wanted."""
        made_by = part.rows["model_version"].astype(np.float64)
        versions = np.unique(made_by[~np.isnan(made_by)]).tolist()
        found = {int(version): self._measured(part.where(made_by == version)) for version in versions}
        yield from found.items()
        if together:
            yield ALL_VERSIONS, next(iter(found.values())) if len(found) == 1 else self._measured(part)

    def _measured(self, part: Labelled) -> Measured:
        known = part.where(part.known)
        score = known.rows["score"].astype(np.float64)
        classes = known.rows.get("prediction")
        answers = Answers(score, prediction=None if classes is None else classes.astype(object))
        return measured(self._model, known.label, answers, rows=len(part.known))

    def _write(self, puts: Sequence[Put], judged: Judged, expect: Absent | Version) -> None:
        still = self._store.judged_put(judged, expect)
        unchanged = Check(still.key, expect)
        for first in range(0, len(puts), self._chunk):
            self._table.transact([*puts[first : first + self._chunk], unchanged])
        self._table.transact([still])
