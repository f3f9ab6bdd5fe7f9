"""The course of every candidate, whether it is trained here or was made in a notebook.

Snapshot, validate, features; then the model, which is what differs; then evaluate, export, gate, register, promote.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast

from loopwright.columns import Columns
from loopwright.definitions.project import features_digest
from loopwright.errors import NotFoundError
from loopwright.features.offline import training_columns
from loopwright.gate import Verdict
from loopwright.ports import Platform
from loopwright.registry import Registry
from loopwright.tracking import Tracking
from pipelines.checkpoints import ColumnsCodec, Json
from pipelines.steps import Pipeline, Progress, Step
from pipelines.training import observations, promotion, snapshot
from pipelines.training.evaluate import EvaluationCodec, evaluate
from pipelines.training.journal import PREFIX, Journal
from pipelines.training.observations import Cases, Validation
from pipelines.training.packaging import Exported, write_export
from pipelines.training.promotion import Promotion
from pipelines.training.provenance import provenance_of
from pipelines.training.request import Training, TrainRequest
from pipelines.training.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class TrainOutcome:
    """How a candidate's run ended: the version that it registered, what the gate said, and whether it serves now."""

    run_id: str
    version: int | None
    verdict: Verdict | None
    promoted: bool


def course(name: str, making: Step, *, resources: tuple[str, ...] = ()) -> Pipeline:
    """Return the pipeline in which `making` gives the model, as `fitted`; it may want further resources."""
    return Pipeline(
        name=name,
        given=("training", "code"),
        resources=("platform", "cases", "journal", "provenance", *resources),
        steps=(*_BEFORE, making, *_AFTER),
    )


def go(
    pipeline: Pipeline,
    platform: Platform,
    training: Training,
    *,
    progress: Progress,
    resources: Mapping[str, object] | None = None,
) -> TrainOutcome:
    """Go the course, or go on with it after its last finished step; a run that has finished tells its outcome.

    Raises:
        Exception: whatever a step raises; the run has failed then, and says so.
    """
    model, request = training.model, training.request
    if (finished := _finished(platform, request)) is not None:
        pipeline.forget(platform.blobs, request.run_id)
        return finished
    journal = Journal(platform, request)
    provenance = provenance_of(model)
    journal.begin(provenance, features=features_digest(model), seed=model.seed)
    own = {"platform": platform, "cases": Cases(platform.lake), "journal": journal, "provenance": provenance}
    try:
        given = {"training": training, "code": provenance.code}
        all_of_them = {**own, **(resources or {})}
        results = pipeline.run(platform.blobs, request.run_id, given, all_of_them, progress=progress)
        outcome = _ended(journal, results)
    except Exception as error:
        journal.fail(error)
        raise
    pipeline.forget(platform.blobs, request.run_id)
    return outcome


def _ended(journal: Journal, results: Mapping[str, object]) -> TrainOutcome:
    """Record what came out, and return it."""
    exported = cast("Exported", results["exported"])
    version = cast("int", results["version"])
    end = cast("Promotion", results["promotion"])
    journal.measured(
        end.verdict,
        cast("Validation", results["validation"]),
        {
            "latency_ms": exported.latency_ms,
            "size_bytes": exported.size_bytes,
            "export_difference": exported.difference,
        },
    )
    journal.finish(
        version,
        verdict=end.verdict,
        promoted=end.promoted,
        replaced=end.replaced,
        tags={"runtime": exported.runtime, "fallback": exported.fallback, "digest": exported.digest, "note": end.note},
    )
    return TrainOutcome(journal.run_id, version, end.verdict, end.promoted)


def _finished(platform: Platform, request: TrainRequest) -> TrainOutcome | None:
    """Return the outcome of a run that has ended well; None if it has not."""
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    try:
        run = tracking.run(request.run_id)
    except NotFoundError:
        return None
    if run.status != "FINISHED":
        return None
    version = int(run.tags[f"{PREFIX}version"])
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    verdict = registry.version(request.model, version).verdict
    return TrainOutcome(request.run_id, version, verdict, run.tags[f"{PREFIX}promoted"] == "true")


def take_snapshot(platform: Platform, journal: Journal, training: Training) -> Snapshot:
    """Pin the newest version of everything that the model is trained or judged on."""
    taken = snapshot.take_snapshot(platform.lake, training.model, at=training.request.at)
    journal.read(taken)
    return taken


def validate(cases: Cases, training: Training, taken: Snapshot) -> Validation:
    """Check every table of the snapshot against the definitions."""
    return observations.validate(cases, training.model, taken)


def build_features(cases: Cases, training: Training, taken: Snapshot, _: Validation) -> Columns:
    """Return the training rows with their features as they were known at each row's own moment."""
    rows = observations.training_rows(cases, training.model, taken)
    return training_columns(cases.lake, training.model, rows, versions=taken.versions)


_BEFORE: Final = (
    Step("snapshot", take_snapshot, ("platform", "journal", "training"), "snapshot", Json(Snapshot)),
    Step("validate", validate, ("cases", "training", "snapshot"), "validation", Json(Validation)),
    Step("features", build_features, ("cases", "training", "snapshot", "validation"), "columns", ColumnsCodec()),
)

_JUDGED: Final = ("columns", "evaluation", "exported")

_AFTER: Final = (
    Step("evaluate", evaluate, ("platform", "training", "fitted", "columns"), "evaluation", EvaluationCodec()),
    Step(
        "export",
        write_export,
        ("platform", "provenance", "training", "snapshot", "validation", "fitted", "columns", "evaluation"),
        "exported",
        Json(Exported),
    ),
    Step("gate", promotion.gate, ("training", *_JUDGED), "verdict", Json(Verdict)),
    Step(
        "register",
        promotion.register,
        ("platform", "provenance", "training", "snapshot", *_JUDGED, "verdict"),
        "version",
        Json(int),
    ),
    Step(
        "promote",
        promotion.promote,
        ("platform", "training", *_JUDGED, "verdict", "version"),
        "promotion",
        Json(Promotion),
    ),
)
