"""What a scoring job does: fixed when it starts, so that whoever goes on with it does the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from loopwright.definitions.model import Model
from loopwright.errors import ConflictError, InvalidInputError, NotFoundError
from loopwright.ports import Blobs, Lake, Platform
from loopwright.ports.blobs import ABSENT, BlobInfo
from loopwright.ports.lake import Between, Selection
from loopwright.registry import Registry
from pipelines.checkpoints import Json


@dataclass(frozen=True, slots=True)
class Plan:
    """One job: which rows, which model version, which features, in which parts.

    Attributes:
        model: the model's name.
        version: the model version that scores every part.
        table: the lake table with the rows.
        at: the moment of the job: rows without an event time get the features of this moment.
        versions: the pinned versions of the rows' table and of the feature views' sources.
        timed: whether rows have an event time, and so get the features of their own moment.
        edges: part i holds the rows from edges[i] (inclusive) to edges[i + 1]; moments if timed, else row numbers.
        rows: how many there are; part of the promise that every row is scored once.
    """

    model: str
    version: int
    table: str
    at: float
    versions: Mapping[str, int]
    timed: bool
    edges: tuple[float, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is done: how many rows it had."""

    number: int
    rows: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A job's plan and its finished parts, each an object that is written once.

    scoring/<model>/<name>/plan.json
    scoring/<model>/<name>/parts/<number>.json
    """

    blobs: Blobs
    prefix: str
    plan_codec: Json[Plan] = field(default_factory=lambda: Json(Plan))
    part_codec: Json[Part] = field(default_factory=lambda: Json(Part))

    def settle(self, plan: Plan | None) -> Plan | None:
        """Return the job's plan: the first that was settled. None: there is none, and none was given."""
        if plan is not None:
            try:
                self.blobs.put(f"{self.prefix}/plan.json", self.plan_codec.encode(plan), expect=ABSENT)
            except ConflictError:
                return self.settle(None)
            return plan
        try:
            return self.plan_codec.decode(self.blobs.get(f"{self.prefix}/plan.json").data)
        except NotFoundError:
            return None

    def parts(self) -> dict[int, Part]:
        """Return the finished parts by number."""
        found = [self.part_codec.decode(self.blobs.get(info.key).data) for info in self._listed()]
        return {part.number: part for part in found}

    def finish(self, part: Part) -> None:
        """Record a part as finished; again changes nothing."""
        try:
            key = f"{self.prefix}/parts/{part.number:06d}.json"
            self.blobs.put(key, self.part_codec.encode(part), expect=ABSENT)
        except ConflictError:
            return

    def _listed(self) -> Sequence[BlobInfo]:
        return list(self.blobs.list(f"{self.prefix}/parts/"))


def make_plan(platform: Platform, model: Model, *, table: str, at: float, part_rows: int) -> Plan:
    """Plan a job on the newest version of a table, by the model's champion.

    Raises:
        NotFoundError: there is no such table, or the model has no champion.
        InvalidInputError: the table has no rows.
    """
    lake = platform.lake
    version = lake.version(table)
    if version is None:
        raise NotFoundError(f"the lake has no table {table!r} to score: append the rows to it first")
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    champion = registry.routing(model.name).champion
    if champion is None:
        raise NotFoundError(f"model {model.name!r} has no champion to score with: train it first")
    timed = lake.schema(table, version=version).get(model.event_time) == "time"
    edges, rows = _edges(lake, model, table, version, timed=timed, part_rows=part_rows)
    sources = {view.source: lake.version(view.source) for view in model.views}
    versions = {name: number for name, number in {**sources, table: version}.items() if number is not None}
    return Plan(model.name, champion, table, at, versions, timed, edges, rows)


def _edges(
    lake: Lake, model: Model, table: str, version: int, *, timed: bool, part_rows: int
) -> tuple[tuple[float, ...], int]:
    column = model.event_time if timed else model.inputs[0].name
    values = lake.read_columns(table, Selection((column,)), version=version)[column]
    rows = len(values)
    if not rows:
        raise InvalidInputError(f"the table {table!r} has no rows to score")
    if not timed:
        return (*map(float, range(0, rows, part_rows)), float(rows)), rows
    if np.isnat(values).any():
        missing = int(np.isnat(values).sum())
        raise InvalidInputError(f"the table {table!r} has {missing:,} rows without {column!r}: mend or remove them")
    moments = np.sort(values).astype(np.int64)
    starts = np.unique(moments[::part_rows])
    return (*(float(start) / 1e6 for start in starts), float(moments[-1] + 1) / 1e6), rows


def part_selection(model: Model, plan: Plan, number: int) -> Selection:
    """Return what to read of the table for a part of a timed plan."""
    names = (*(field.name for field in model.inputs), model.event_time)
    between = Between(model.event_time, plan.edges[number], plan.edges[number + 1])
    return Selection(tuple(dict.fromkeys(names)), (between,))
