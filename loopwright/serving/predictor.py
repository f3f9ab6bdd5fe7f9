"""A prediction from rows to answer: check, look up, score, log. No web here; see `functions.predict` for that.

The log is the truth from which everything else follows, so a prediction that cannot be logged is refused
(`UnavailableError`) instead of answered and forgotten: nobody acts on an answer that monitoring, retraining and
lineage will never hear of. The shadows score before the answer leaves, because some providers freeze a function as
soon as it has answered; their failures are counted and change nothing.
"""

import time
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import numpy as np

from loopwright.columns import Columns, take
from loopwright.definitions import Model, Project
from loopwright.errors import InvalidInputError, LoopwrightError, UnavailableError
from loopwright.features.online import OnlineStore
from loopwright.features.serving import assemble
from loopwright.features.validation import RowParser
from loopwright.ports import Platform
from loopwright.registry import Registry
from loopwright.serving.answers import Arm, Prediction, Predictions
from loopwright.serving.identity import id_key, in_canary, take_ids
from loopwright.serving.log import PREDICTIONS_QUEUE, Entry, encode
from loopwright.serving.records import Recorder, Scored
from loopwright.serving.versions import Loaded, Serving, Versions

DEFAULT_REFRESH: Final = 5.0
"""How many seconds a change of aliases or weights may take to be served, unless it is announced."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What of a model's definition every request needs, worked out once."""

    model: Model
    id_key: str
    parser: RowParser
    recorder: Recorder


class Predictor:
    """Answers rows with predictions, for every model of the project. Safe to call from several threads."""

    def __init__(
        self,
        platform: Platform,
        project: Project,
        *,
        refresh: float = DEFAULT_REFRESH,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._platform = platform
        self._project = project
        self._timer = timer
        self._store = OnlineStore(platform.table)
        registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
        self._versions = Versions(registry, platform.blobs, refresh=refresh, timer=timer)
        self._prepared: dict[str, _Prepared] = {}

    def predict(self, model_name: str, rows: Sequence[MutableMapping[str, object]]) -> Predictions:
        """Answer the rows, in their order; what was answered is in the log. The rows lose their ids.

        Raises:
            NotFoundError: the project has no such model.
            InvalidInputError: the rows or their ids do not fit, or there are none; all problems are named.
            UnavailableError: there is no champion yet, or the log does not take the predictions; none was made.
            IntegrityError, DefinitionError: the champion cannot be loaded; see `Versions.current`.
        """
        return self.predict_together(model_name, [rows])[0]

    def predict_together(
        self, model_name: str, requests: Sequence[Sequence[MutableMapping[str, object]]]
    ) -> list[Predictions]:
        """Answer several requests as `predict` answers one, at little more than its cost.

        An id may not repeat within a request. What is wrong with one of them is raised for all, and nothing is logged.
        """
        started = self._timer()
        prepared = self._prepared.get(model_name) or self._prepare(model_name)
        if not all(requests):
            raise InvalidInputError("there are no rows to predict: send at least one")
        serving = self._versions.current(prepared.model)
        ids = [one for rows in requests for one in take_ids(rows, prepared.id_key, self._platform.new_id)]
        rows = requests[0] if len(requests) == 1 else [row for rows in requests for row in rows]
        assembled = assemble(prepared.model, prepared.parser.parse(rows), self._store, self._platform.clock())
        answered = [
            self._score(loaded, arm, positions, assembled.columns, started)
            for arm, loaded, positions in _routes(serving, ids)
        ]
        scored = answered + self._shadowed(model_name, serving, assembled.columns)
        self._log([prepared.recorder.entry(one, ids, assembled.columns, assembled.ages) for one in scored])
        ages = {view: [round(one, 3) for one in age.tolist()] for view, age in assembled.ages.items()}
        together = Predictions(model_name, serving.champion.version, _answers(answered, ids), ages)
        return [together] if len(requests) == 1 else _parted(together, [len(rows) for rows in requests])

    def warm(self) -> None:
        """Load what answers for every model, so that the first request need not; what fails, that request is told."""
        for model in self._project.models:
            with suppress(LoopwrightError):
                self._versions.current(model)

    def refresh(self, model_name: str) -> Serving:
        """Read the registry and load what it names now instead of at the next request; raises as `predict` does."""
        return self._versions.refresh(self._project.model(model_name))

    def serving(self, model_name: str) -> Serving:
        """Return what answers for the model; raises as `predict` does."""
        return self._versions.current(self._project.model(model_name))

    def _prepare(self, model_name: str) -> _Prepared:
        model = self._project.model(model_name)
        prepared = _Prepared(model, id_key(model), RowParser(model.inputs), Recorder(model))
        return self._prepared.setdefault(model_name, prepared)

    def _score(
        self, loaded: Loaded, arm: Arm, positions: np.ndarray | None, columns: Columns, started: float
    ) -> Scored:
        scores = loaded.scorer.score(columns if positions is None else take(columns, positions))
        elapsed = (self._timer() - started) * 1e3
        return Scored(arm, loaded.version, positions, scores.score, scores.prediction, elapsed)

    def _shadowed(self, model_name: str, serving: Serving, columns: Columns) -> list[Scored]:
        scored = []
        for shadow in serving.shadows:
            try:
                scored.append(self._score(shadow, "shadow", None, columns, self._timer()))
            except Exception:  # noqa: BLE001 - whatever a candidate does wrong, the champion's answer goes out
                self._platform.telemetry.count("shadow_failures", model=model_name, version=str(shadow.version))
        return scored

    def _log(self, entries: Sequence[Entry]) -> None:
        bodies = [body for entry in entries for body in encode(entry)]
        try:
            self._platform.queue.send(PREDICTIONS_QUEUE, bodies)
        except UnavailableError as error:
            raise UnavailableError(f"the predictions cannot be logged now and are refused: {error}") from error


def _routes(serving: Serving, ids: Sequence[str]) -> list[tuple[Arm, Loaded, np.ndarray | None]]:
    """Return who answers which rows; None stands for all of them."""
    if serving.canary is None or serving.weight <= 0:
        return [("champion", serving.champion, None)]
    chosen = np.array([in_canary(one, serving.weight) for one in ids])
    if chosen.all():
        return [("canary", serving.canary, None)]
    if not chosen.any():
        return [("champion", serving.champion, None)]
    return [
        ("champion", serving.champion, np.flatnonzero(~chosen)),
        ("canary", serving.canary, np.flatnonzero(chosen)),
    ]


def _answers(answered: Sequence[Scored], ids: Sequence[str]) -> list[Prediction]:
    rows: dict[int, Prediction] = {}
    for one in answered:
        version = one.version if one.arm == "canary" else None
        positions = range(len(ids)) if one.rows is None else one.rows.tolist()
        for position, score, prediction in zip(positions, one.scores.tolist(), one.predictions.tolist(), strict=True):
            rows[position] = Prediction(ids[position], score, prediction, one.arm, version)
    return [rows[position] for position in range(len(ids))]


def _parted(together: Predictions, lengths: Sequence[int]) -> list[Predictions]:
    parts, first = [], 0
    for length in lengths:
        rows = slice(first, first + length)
        ages = {view: age[rows] for view, age in together.ages.items()}
        parts.append(Predictions(together.model, together.version, together.predictions[rows], ages))
        first += length
    return parts
