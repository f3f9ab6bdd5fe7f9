"""Reproduction: train again from what a run pinned, and say whether the same comes out, or what differs."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import msgspec

from loopwright.definitions.model import Model
from loopwright.definitions.project import Project, features_digest
from loopwright.errors import InvalidInputError, NotFoundError
from loopwright.features.offline import training_columns
from loopwright.hashing import digest
from loopwright.models import Manifest, read_package
from loopwright.models.manifest import file_digest
from loopwright.models.package import Package
from loopwright.monitoring.profiles import PROFILE_FILE
from loopwright.ports import Lake, Platform
from loopwright.registry import ModelVersion, Registry
from loopwright.tracking import Run, Tracking
from pipelines.steps import Progress, StepEvent, silent
from pipelines.training.evaluate import Evaluation, held_out_rows, metrics_of
from pipelines.training.export import export
from pipelines.training.fit import answer, fit
from pipelines.training.journal import PREFIX, SNAPSHOT_FILE
from pipelines.training.observations import Cases, training_rows
from pipelines.training.packaging import profile_of
from pipelines.training.provenance import Provenance, provenance_of, versions_of
from pipelines.training.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was. `result`: it is part of what came out, not only of what went in."""

    what: str
    then: str
    now: str
    result: bool


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of training a run again.

    Attributes:
        run_id: the run.
        identical: the model file, its metrics and its profile are the same, byte for byte.
        trained: whether it could be trained again at all; otherwise the differences say why not.
        digest: the model file's digest, as it was.
        differences: what is not as it was: inputs, code, environment, results.
    """

    run_id: str
    identical: bool
    trained: bool
    digest: str
    differences: tuple[Difference, ...]


def reproduce(platform: Platform, project: Project, run_id: str, *, progress: Progress = silent) -> Reproduction:
    """Train a finished run again from its data, parameters and seed, and compare; nothing is registered.

    Raises:
        NotFoundError: there is no such run, or the project no longer has its model.
        InvalidInputError: the run has registered no version.
        IntegrityError: its package is damaged.
        DefinitionError: the training function fails now.
    """
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    run = tracking.run(run_id)
    version = _version(platform, run)
    model = project.model(version.model)
    package = read_package(platform.blobs, version.source, version.digest)
    taken = msgspec.json.decode(tracking.artifact(run_id, SNAPSHOT_FILE), type=Snapshot)
    then = tracking.artifact(run_id, "lineage/environment.txt").decode()
    inputs = [*_definitions(model, version, run), *_surroundings(version, provenance_of(model), then)]
    lost = list(_data(platform.lake, taken))
    model_digest = digest(package.files[package.manifest.model_file])
    if lost:
        return Reproduction(run_id, identical=False, trained=False, digest=model_digest, differences=(*lost, *inputs))
    results = list(_again(platform, model, version, package, taken, progress))
    found = (*results, *inputs)
    return Reproduction(run_id, identical=not results, trained=True, digest=model_digest, differences=found)


def _version(platform: Platform, run: Run) -> ModelVersion:
    number = run.tags.get(f"{PREFIX}version")
    if number is None:
        raise InvalidInputError(
            f"run {run.id} ({run.status}) has registered no version: only a training that finished can be reproduced"
        )
    if origin := run.tags.get(f"{PREFIX}adopted_from"):
        raise InvalidInputError(f"run {run.id} was adopted from {origin}: a notebook trained it, so reproduce it there")
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    return registry.version(run.tags[f"{PREFIX}model"], int(number))


def _definitions(model: Model, version: ModelVersion, run: Run) -> Iterator[Difference]:
    yield from _differing("features", version.features_digest, features_digest(model))
    yield from _differing("seed", run.tags.get(f"{PREFIX}seed", str(model.seed)), str(model.seed))


def _surroundings(version: ModelVersion, now: Provenance, environment: str) -> Iterator[Difference]:
    yield from _differing("code", version.lineage.code_digest, now.code)
    yield from _differing("commit", version.lineage.code_commit or "unknown", now.commit or "unknown")
    before, after = versions_of(environment), versions_of(now.environment)
    for name in sorted({*before, *after}):
        yield from _differing(f"package {name}", before.get(name, "absent"), after.get(name, "absent"))


def _data(lake: Lake, taken: Snapshot) -> Iterator[Difference]:
    for pin in taken.pins:
        what = f"dataset {pin.table} at version {pin.version}"
        try:
            found = lake.digest(pin.table, version=pin.version)
            # A digest outlives the files; only opening them shows whether they are still there.
            lake.read(pin.table, version=pin.version)
            yield from _differing(what, pin.digest, found, result=True)
        except NotFoundError:
            yield Difference(what, pin.digest, "expired: its files are gone", result=True)


def _again(
    platform: Platform, model: Model, version: ModelVersion, package: Package, taken: Snapshot, progress: Progress
) -> Iterator[Difference]:
    """Train again and yield what came out differently."""
    with _told(progress, "features"):
        rows = training_rows(Cases(platform.lake), model, taken)
        columns = training_columns(platform.lake, model, rows, versions=taken.versions)
    with _told(progress, "train"):
        fitted = fit(model, version.lineage.parameters, columns, lambda *_: None)
    with _told(progress, "evaluate"):
        evaluation = Evaluation(answer(model, fitted, held_out_rows(model, columns)), None)
    with _told(progress, "export"):
        made = export(model, fitted, held_out_rows(model, columns))
    yield from _file("model file", package.manifest, package.manifest.model_file, made.data)
    yield from _file("profile", package.manifest, PROFILE_FILE, profile_of(model, columns, evaluation))
    yield from _metrics(version.metrics, metrics_of(model, evaluation, columns))


@contextmanager
def _told(progress: Progress, step: str) -> Iterator[None]:
    """Tell when a step starts and when it has finished."""
    number = _STEPS.index(step) + 1
    began = time.perf_counter()
    progress(StepEvent(step, number, len(_STEPS), "started", 0.0))
    yield
    progress(StepEvent(step, number, len(_STEPS), "finished", time.perf_counter() - began))


_STEPS: Final = ("features", "train", "evaluate", "export")


def _file(what: str, manifest: Manifest, name: str, data: bytes) -> Iterator[Difference]:
    yield from _differing(f"{what} {name}", manifest.files[name].sha256, file_digest(data).sha256, result=True)


def _metrics(then: Mapping[str, float], now: Mapping[str, float]) -> Iterator[Difference]:
    for name in sorted({*then, *now}):
        before, after = then.get(name, math.nan), now.get(name, math.nan)
        yield from _differing(f"metric {name}", repr(before), repr(after), result=True)


def _differing(what: str, then: str, now: str, *, result: bool = False) -> Iterator[Difference]:
    if then != now:
        yield Difference(what, then, now, result)
