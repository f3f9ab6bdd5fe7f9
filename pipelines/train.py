"""Training: snapshot, validate, features, train, evaluate, export, gate, register, promote.

A training is one run of the tracker, and the same request is always the same run: when a process dies, the same call
again goes on after the last step that was finished. Two trainings at once are two runs; the registry settles who wins.
"""

from dataclasses import dataclass
from typing import Final, cast

from loopwright.columns import Columns
from loopwright.definitions.project import Project, features_digest
from loopwright.errors import ConflictError, NotFoundError
from loopwright.features.offline import training_columns
from loopwright.gate import Verdict
from loopwright.ports import Platform
from loopwright.registry import Registry
from loopwright.tracking import Run, Tracking
from pipelines.checkpoints import ColumnsCodec, Json
from pipelines.steps import Pipeline, Progress, Step, silent
from pipelines.training import observations, promotion, snapshot
from pipelines.training.evaluate import EvaluationCodec, evaluate
from pipelines.training.fit import Fitted, FittedCodec, fit
from pipelines.training.journal import PREFIX, REQUEST_FILE, Journal
from pipelines.training.observations import Cases, Validation
from pipelines.training.packaging import Exported, write_export
from pipelines.training.promotion import Promotion
from pipelines.training.provenance import Provenance, provenance_of
from pipelines.training.request import Parameters, Training, TrainRequest, merged_parameters
from pipelines.training.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class TrainOutcome:
    """How a training ended: its run, the version that it registered, what the gate said, and whether it serves now."""

    run_id: str
    version: int | None
    verdict: Verdict | None
    promoted: bool


def train(
    platform: Platform,
    project: Project,
    model_name: str,
    *,
    reason: str,
    at: float,
    who: str,
    parameters: Parameters | None = None,
    progress: Progress = silent,
) -> TrainOutcome:
    """Train a model on what is known at `at`, register it, and promote it if it has earned that.

    The same arguments are the same run: if it has finished, its outcome is returned and nothing is done; if it failed
    or was killed, it goes on after its last finished step.

    Raises:
        NotFoundError: there is no such model, or nothing to learn from.
        InvalidInputError: the data does not fit the definitions; every problem is named.
        DefinitionError: the training function or a transformation fails, or its model cannot be exported.
        UnavailableError: the provider could not answer now; call again.
    """
    model = project.model(model_name)
    request = TrainRequest(project.name, model.name, reason, at, who, merged_parameters(model, parameters))
    return _train(platform, Training(model, request), progress)


def resume(platform: Platform, project: Project, run_id: str, *, progress: Progress = silent) -> TrainOutcome:
    """Go on with a run that failed or was killed, after its last finished step; a finished one tells its outcome.

    Raises:
        NotFoundError: there is no such run, or it ended before it had recorded what it was asked for.
        ConflictError, and what `train` raises: the run belongs to another project, or fails again.
    """
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    try:
        asked = tracking.artifact(run_id, REQUEST_FILE)
    except NotFoundError as error:
        raise NotFoundError(f"there is no run {run_id!r} to go on with: see `loopwright runs`") from error
    request = Json(TrainRequest).decode(asked)
    if request.project != project.name or request.run_id != run_id:
        raise ConflictError(f"run {run_id} was asked for by project {request.project!r}: go on with it there")
    return _train(platform, Training(project.model(request.model), request), progress)


def _train(platform: Platform, training: Training, progress: Progress) -> TrainOutcome:
    model, request = training.model, training.request
    if (finished := _finished(platform, request)) is not None:
        PIPELINE.forget(platform.blobs, request.run_id)
        return finished
    journal = Journal(platform, request)
    provenance = provenance_of(model)
    journal.begin(provenance, features=features_digest(model), seed=model.seed)
    try:
        outcome = _run(platform, training, provenance, journal, progress)
    except Exception as error:
        journal.fail(error)
        raise
    PIPELINE.forget(platform.blobs, request.run_id)
    return outcome


def _run(
    platform: Platform,
    training: Training,
    provenance: Provenance,
    journal: Journal,
    progress: Progress,
) -> TrainOutcome:
    given = {"training": training, "code": provenance.code}
    cases = Cases(platform.lake)
    resources = {"platform": platform, "cases": cases, "journal": journal, "provenance": provenance}
    run_id = training.request.run_id
    results = PIPELINE.run(platform.blobs, run_id, given, resources, progress=progress)
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
    return TrainOutcome(run_id, version, end.verdict, end.promoted)


def _finished(platform: Platform, request: TrainRequest) -> TrainOutcome | None:
    """Return the outcome of a run that has ended well; None if it has not."""
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    run = _existing(tracking, request.run_id)
    if run is None or run.status != "FINISHED":
        return None
    version = int(run.tags[f"{PREFIX}version"])
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    verdict = registry.version(request.model, version).verdict
    return TrainOutcome(request.run_id, version, verdict, run.tags[f"{PREFIX}promoted"] == "true")


def _existing(tracking: Tracking, run_id: str) -> Run | None:
    try:
        return tracking.run(run_id)
    except NotFoundError:
        return None


def take_snapshot(platform: Platform, journal: Journal, training: Training) -> Snapshot:
    """Pin the newest version of everything that the model is trained on."""
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


def fit_model(journal: Journal, training: Training, _: str, columns: Columns) -> Fitted:
    """Call the training function; the code's digest is an input because helpers of that function decide, too."""
    fitted = fit(training.model, training.request.parameters, columns, journal.follow)
    journal.flush()
    return fitted


_JUDGED: Final = ("columns", "evaluation", "exported")

PIPELINE: Final = Pipeline(
    name="train",
    given=("training", "code"),
    resources=("platform", "cases", "journal", "provenance"),
    steps=(
        Step("snapshot", take_snapshot, ("platform", "journal", "training"), "snapshot", Json(Snapshot)),
        Step("validate", validate, ("cases", "training", "snapshot"), "validation", Json(Validation)),
        Step("features", build_features, ("cases", "training", "snapshot", "validation"), "columns", ColumnsCodec()),
        Step("train", fit_model, ("journal", "training", "code", "columns"), "fitted", FittedCodec()),
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
    ),
)
