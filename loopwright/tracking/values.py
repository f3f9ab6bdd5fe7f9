"""What tracking keeps, in MLflow's words. Moments are seconds UTC where MLflow's interface has milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import msgspec

RunStatus = Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]

ENDED: Final[frozenset[RunStatus]] = frozenset({"FINISHED", "FAILED", "KILLED"})
"""The states of a run that works no more."""

View = Literal["active", "deleted", "all"]
"""Which things a listing shows: those that live, those that were deleted, both."""

RUN_NAME_TAG: Final = "mlflow.runName"
"""The tag that always equals a run's name."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """A set of runs under one name.

    Attributes:
        id: its identity.
        name: for people; no two experiments have the same.
        created: the moment of its making.
        updated: the moment when it was renamed, deleted or restored last.
        tags: by key.
        deleted: the moment of its deletion; None: it lives.
        artifact_location: the URI under which clients put its artifacts; "": the tracking server keeps them.
        turns: how often it has been deleted or restored, which its runs follow.
    """

    id: str
    name: str
    created: float
    updated: float
    tags: Mapping[str, str] = field(default_factory=dict)
    deleted: float | None = None
    artifact_location: str = ""
    turns: int = 0


class Metric(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One point of a metric's history; the value may be NaN or infinite.

    It is a struct, not a dataclass, because a search through 100,000 runs makes millions of them.
    """

    key: str
    value: float
    timestamp: float
    step: int = 0


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a run: it is set once and never changes."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """A data set that a run read.

    Attributes:
        name: such as a lake table's.
        digest: of its content.
        source: where it is.
        version: of the lake table; None: it has no versions.
        context: what for, such as `training`.
        source_type: what kind of place the source is.
        tags: by key.
        schema: its columns, as the client tells them.
        profile: what the client counted in it.
        detailed: it has a schema or a profile, which are kept once an experiment: see `Tracking.detailed`.
    """

    name: str
    digest: str
    source: str
    version: int | None = None
    context: str = ""
    source_type: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    schema: str = ""
    profile: str = ""
    detailed: bool = False


@dataclass(frozen=True, slots=True)
class DatasetUse:
    """That runs of an experiment read a data set of that name and digest, and for what."""

    name: str
    digest: str
    context: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run and its latest state.

    Attributes:
        id: its identity.
        experiment_id: to which experiment it belongs.
        name: for people.
        status: RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.
        started: the moment of its start.
        ended: the moment of its end; None: it has none yet.
        deleted: the moment of its deletion, or of its experiment's; None: it lives.
        metrics: the latest point of each metric.
        params: by key.
        tags: by key.
        inputs: in the order of their names.
        user: who started it.
        model_inputs: the logged models that it read.
        model_outputs: the logged models that it made, each with the step at which.
        artifact_uri: where clients put its artifacts.
    """

    id: str
    experiment_id: str
    name: str
    status: RunStatus
    started: float
    ended: float | None = None
    deleted: float | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: tuple[DatasetInput, ...] = ()
    user: str = ""
    model_inputs: tuple[str, ...] = ()
    model_outputs: Mapping[str, int] = field(default_factory=dict)
    artifact_uri: str = ""


@dataclass(frozen=True, slots=True)
class RunCursor:
    """A place in the list of an experiment's runs: a run's start and identity."""

    started: float
    id: str


@dataclass(frozen=True, slots=True)
class ArtifactInfo:
    """What a listing says of an artifact: its path within the run and its size in bytes."""

    path: str
    size: int
