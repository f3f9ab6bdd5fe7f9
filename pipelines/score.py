"""Batch scoring: every row of a table once, part by part, resumable.

The rows and the model version are pinned when the job starts. A part's scores are appended to the lake table
`scores/<model>/<name>` in one transaction named after the part, and then the part is noted as finished: a job that is
killed in between appends nothing twice when it goes on. Rows that have an event time get the features that were known
at their own moment, others those of the job's moment.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Array, Columns, DType, length, take
from loopwright.definitions.model import Model
from loopwright.definitions.project import Project, features_digest
from loopwright.errors import IntegrityError, InvalidInputError
from loopwright.features.offline import training_columns
from loopwright.features.online import OnlineStore
from loopwright.features.rules import check_rows
from loopwright.features.serving import assemble
from loopwright.features.sources import check_types
from loopwright.models import Scorer, load_scorer
from loopwright.ports import Platform
from loopwright.ports.lake import Selection
from loopwright.registry import Registry, expect_package
from pipelines.scoring.plan import Manifest, Part, Plan, make_plan, part_selection
from pipelines.steps import Progress, StepEvent, StepState, silent

PART_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True)
class ScoreOutcome:
    """A finished job: which model version scored how many rows, and the lake table with the scores."""

    model: str
    version: int
    rows: int
    parts: int
    table: str


def score(
    platform: Platform,
    project: Project,
    model_name: str,
    *,
    table: str,
    name: str,
    at: float,
    part_rows: int = PART_ROWS,
    progress: Progress = silent,
) -> ScoreOutcome:
    """Score a lake table with the model's champion; the same name is the same job, and a finished one is not repeated.

    Raises:
        NotFoundError: there is no such table or model, or the model has no champion.
        InvalidInputError: the job's name is not one, or the rows do not fit the model's inputs.
        IntegrityError: the model's package is damaged, or was made for other features.
    """
    model = project.model(model_name)
    if not re.fullmatch(r"[a-z0-9_]{1,64}", name):
        raise InvalidInputError(f"a scoring job's name is 1 to 64 of a-z, 0-9 and _, not {name!r}")
    manifest = Manifest(platform.blobs, f"scoring/{model.name}/{name}")
    plan = manifest.settle(None) or _settled(platform, model, manifest, table, at=at, part_rows=part_rows)
    if plan.table != table:
        raise InvalidInputError(f"the job {name!r} scores the table {plan.table!r}, not {table!r}: choose another name")
    output = f"scores/{model.name}/{name}"
    count = len(plan.edges) - 1
    done = manifest.parts()
    source = _Source(platform, model, plan)
    for number in range(count):
        began = time.perf_counter()
        if number not in done:
            progress(StepEvent("score", number + 1, count, "started", 0.0))
            scored = source.scored(number)
            platform.lake.append(output, scored, schema=source.types, transaction=f"{output}/{number}")
            manifest.finish(Part(number, length(scored)))
        state: StepState = "restored" if number in done else "finished"
        progress(StepEvent("score", number + 1, count, state, time.perf_counter() - began))
    rows = sum(part.rows for part in manifest.parts().values())
    if rows != plan.rows:
        raise IntegrityError(f"the job {name!r} scored {rows:,} of {plan.rows:,} rows: its table changed under it")
    return ScoreOutcome(model.name, plan.version, rows, count, output)


def _settled(platform: Platform, model: Model, manifest: Manifest, table: str, *, at: float, part_rows: int) -> Plan:
    plan = make_plan(platform, model, table=table, at=at, part_rows=part_rows)
    return manifest.settle(plan) or plan


class _Source:
    """Reads parts and scores them; the model is loaded when the first part needs it."""

    def __init__(self, platform: Platform, model: Model, plan: Plan) -> None:
        self._platform = platform
        self._model = model
        self._plan = plan
        self._scorer: Scorer | None = None
        self._whole: Columns | None = None

    @property
    def types(self) -> Mapping[str, DType]:
        """The columns of `scored` and their types."""
        inputs: dict[str, DType] = {field.name: field.dtype for field in self._model.inputs}
        times: dict[str, DType] = {self._model.event_time: "time"} if self._plan.timed else {}
        return {**inputs, **times, "score": "float", "prediction": "string", "model_version": "int"}

    def scored(self, number: int) -> dict[str, Array]:
        """Return the part's inputs with score, prediction and model version."""
        model, plan = self._model, self._plan
        rows = self._timed(number) if plan.timed else self._numbered(number)
        check_rows(model.inputs, rows, where=f"table {plan.table!r}")
        scores = self._load().score(self._features(rows))
        return {
            **rows,
            "score": scores.score,
            "prediction": scores.prediction,
            "model_version": np.full(length(rows), float(plan.version)),
        }

    def _features(self, rows: Columns) -> Columns:
        model, plan = self._model, self._plan
        if plan.timed:
            return training_columns(self._platform.lake, model, rows, versions=plan.versions)
        return assemble(model, rows, OnlineStore(self._platform.table), plan.at).columns

    def _timed(self, number: int) -> Columns:
        self._check()
        selection = part_selection(self._model, self._plan, number)
        return self._platform.lake.read_columns(self._plan.table, selection, version=self._version)

    def _numbered(self, number: int) -> Columns:
        if self._whole is None:
            self._check()
            selection = Selection(tuple(field.name for field in self._model.inputs))
            self._whole = _in_order(
                self._platform.lake.read_columns(self._plan.table, selection, version=self._version)
            )
        low, high = (int(edge) for edge in self._plan.edges[number : number + 2])
        return take(self._whole, slice(low, high))

    def _check(self) -> None:
        schema = self._platform.lake.schema(self._plan.table, version=self._version)
        check_types({field.name: field.dtype for field in self._model.inputs}, schema, table=self._plan.table)

    @property
    def _version(self) -> int:
        return self._plan.versions[self._plan.table]

    def _load(self) -> Scorer:
        if self._scorer is None:
            platform, plan = self._platform, self._plan
            registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
            version = expect_package(registry.version(plan.model, plan.version))
            if version.features_digest != features_digest(self._model):
                raise IntegrityError(
                    f"version {plan.version} of {plan.model!r} was trained on other features than the definitions "
                    "have now: train it again, or go back to the definitions that it was trained on"
                )
            self._scorer = load_scorer(platform.blobs, version.source, version.digest)
        return self._scorer


def _in_order(rows: Columns) -> Columns:
    """Sort by everything: a lake promises no order, but a part must hold the same rows each time."""
    return take(rows, np.lexsort(list(_keys(rows))))


def _keys(rows: Columns) -> Iterator[NDArray[np.generic]]:
    for column in rows.values():
        yield np.unique(column.astype(str), return_inverse=True)[1] if column.dtype == object else column
