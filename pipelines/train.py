"""Training: snapshot, validate, features, train, evaluate, export, gate, register, promote.

A training is one run of the tracker, and the same request is always the same run: when a process dies, the same call
again goes on after the last step that was finished. Two trainings at once are two runs; the registry settles who wins.
"""

from typing import Final

from loopwright.columns import Columns
from loopwright.definitions.project import Project
from loopwright.errors import ConflictError, NotFoundError
from loopwright.ports import Platform
from loopwright.tracking import Tracking
from pipelines.checkpoints import Json
from pipelines.steps import Progress, Step, silent
from pipelines.training.course import TrainOutcome, course, go
from pipelines.training.fit import Fitted, FittedCodec, fit
from pipelines.training.journal import REQUEST_FILE, Journal
from pipelines.training.request import AdoptRequest, Parameters, Training, TrainRequest, merged_parameters


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
    return go(PIPELINE, platform, Training(model, request), progress=progress)


def resume(platform: Platform, project: Project, run_id: str, *, progress: Progress = silent) -> TrainOutcome:
    """Go on with a run that failed or was killed, after its last finished step; a finished one tells its outcome.

    Raises:
        NotFoundError: there is no such run, or it ended before it had recorded what it was asked for.
        ConflictError, and what `train` raises: it is an adoption, belongs to another project, or fails again.
    """
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    try:
        asked = tracking.artifact(run_id, REQUEST_FILE)
    except NotFoundError as error:
        raise NotFoundError(f"there is no run {run_id!r} to go on with: see `loopwright runs`") from error
    if (one := Json(AdoptRequest).decode(asked).adopted).digest:
        how = f"`loopwright adopt {one.model} {one.version}`"
        raise ConflictError(f"run {run_id} is not a training but adopts a model: go on with it by {how}")
    request = Json(TrainRequest).decode(asked)
    if request.project != project.name or request.run_id != run_id:
        raise ConflictError(f"run {run_id} was asked for by project {request.project!r}: go on with it there")
    return go(PIPELINE, platform, Training(project.model(request.model), request), progress=progress)


def fit_model(journal: Journal, training: Training, _: str, columns: Columns) -> Fitted:
    """Call the training function; the code's digest is an input because helpers of that function decide, too."""
    fitted = fit(training.model, training.request.parameters, columns, journal.follow)
    journal.flush()
    return fitted


PIPELINE: Final = course(
    "train", Step("train", fit_model, ("journal", "training", "code", "columns"), "fitted", FittedCodec())
)
