"""Adoption: a model that a notebook registered over MLflow becomes a version that can be served.

Its course is that of a training, with the notebook's files in the place of the training function: the same snapshot,
the same held-out rows, the same export with its comparison on real rows, the same gate. What comes out is a new
version with a package. The same files for the same model are one run: a second call goes on with it, or tells how it
ended.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from loopwright.columns import Columns, length, moments
from loopwright.definitions.model import Model
from loopwright.definitions.project import Project
from loopwright.errors import ConflictError, InvalidInputError, NotFoundError
from loopwright.hashing import digest, digest_of
from loopwright.ports import Platform
from loopwright.registry import ModelVersion, Registry
from loopwright.tracking import Tracking
from pipelines.adopting.files import ModelFiles
from pipelines.adopting.mlmodel import MLMODEL, read_mlmodel
from pipelines.adopting.opening import Notebook, check_trust, open_model
from pipelines.checkpoints import Json
from pipelines.steps import Progress, Step, silent
from pipelines.training.course import TrainOutcome, course, go
from pipelines.training.evaluate import held_out_rows
from pipelines.training.fit import Fitted, FittedCodec
from pipelines.training.journal import REQUEST_FILE, Journal
from pipelines.training.request import Adopted, AdoptRequest, Training

UNSEEN: Final = "held_out_rows_after_the_model"
"""The metric that counts held-out rows of cases that came after the model was registered: it cannot have seen them."""


@dataclass(frozen=True, slots=True)
class Adoption:
    """How an adoption ended.

    Attributes:
        outcome: the run, the new version, what the gate said, and whether it serves now.
        adopted: the version that the notebook registered.
        unseen: how many of the held-out rows the model cannot have been trained on, for it was there before them.
        notes: what a person should know.
    """

    outcome: TrainOutcome
    adopted: Adopted
    unseen: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """Which version is to be adopted.

    Attributes:
        name: of the registered model.
        version: its number.
        model: the project's model that it shall be a version of; empty: the one of the same name.
        trust_pickle: whether somebody has said that they trust a pickle.
    """

    name: str
    version: int
    model: str = ""
    trust_pickle: bool = False


def adopt(
    platform: Platform,
    project: Project,
    wish: Wish,
    *,
    reason: str,
    at: float,
    who: str,
    progress: Progress = silent,
) -> Adoption:
    """Judge a notebook's version as a model of the project, register it anew, and promote it if it has earned that.

    A pickle is opened only if the wish says that it is trusted.

    Raises:
        NotFoundError: there is no such version or no such model, or the version's files are gone.
        InvalidInputError: it is a pickle that nobody trusts, wants other columns, holds what may not be loaded, or is
            of a flavour that cannot be adopted.
        ConflictError: the version has a package already.
        DefinitionError: it cannot answer what the project's model is asked, or cannot be exported.
        UnavailableError: the provider could not answer now; call again.
    """
    model = project.model(wish.model or wish.name)
    found = _registry(platform).version(wish.name, wish.version)
    if found.packaged:
        raise ConflictError(
            f"version {found.version} of {found.model!r} has a package and needs no adoption: "
            f"`loopwright promote {found.version}`"
        )
    notebook, files_digest = _opened(platform, found, trusted=wish.trust_pickle)
    adopted = Adopted(found.model, found.version, found.run_id, files_digest, found.created)
    request = _request(platform, AdoptRequest(project.name, model.name, reason, at, who, {}, adopted))
    resources = {"notebook": notebook}
    outcome = go(PIPELINE, platform, Training(model, request), progress=progress, resources=resources)
    _registry(platform).set_tag(found.model, found.version, ADOPTED_AS, f"{model.name}/{outcome.version}")
    run = _tracking(platform).run(outcome.run_id)
    return Adoption(outcome, request.adopted, int(run.metrics[UNSEEN].value), notebook.notes)


ADOPTED_AS: Final = "loopwright.adopted_as"
"""The tag of a notebook's version that says which version it became."""


def _opened(platform: Platform, found: ModelVersion, *, trusted: bool) -> tuple[Notebook, str]:
    """Return a version's model with the digest of its files; a pickle that nobody trusts is refused at once."""
    what = f"version {found.version} of {found.model!r}"
    files = ModelFiles(platform, found.location or found.source)
    described = files.read(MLMODEL)
    saved = read_mlmodel(described, what)
    check_trust(Notebook(what, saved, b"", trusted))
    data = files.read(saved.file)
    return Notebook(what, saved, data, trusted), digest_of({MLMODEL: digest(described), saved.file: digest(data)})


def _request(platform: Platform, asked: AdoptRequest) -> AdoptRequest:
    """Return what the run was asked for first, so that it goes on with that; the request itself if it is the first."""
    try:
        return Json(AdoptRequest).decode(_tracking(platform).artifact(asked.run_id, REQUEST_FILE))
    except NotFoundError:
        return asked


def load_model(
    platform: Platform, journal: Journal, notebook: Notebook, training: Training, _: str, columns: Columns
) -> Fitted:
    """Open the notebook's model, and record what it read and which rows it cannot have seen."""
    fitted = open_model(training.model, notebook, columns)
    request = training.request
    if not isinstance(request, AdoptRequest):
        raise TypeError("an adoption is asked for by an AdoptRequest")
    journal.follow(UNSEEN, _after(training.model, columns, request.adopted.made), 0)
    journal.flush()
    tracking = _tracking(platform)
    try:
        (run,) = tracking.detailed([tracking.run(request.adopted.run_id)])
        tracking.log_inputs(request.run_id, run.inputs)
    except (NotFoundError, InvalidInputError):
        # Whoever registers a version may name no run, or one that is not kept here.
        return fitted
    return fitted


def _after(model: Model, columns: Columns, made: float) -> int:
    held_out = held_out_rows(model, columns)
    return int(np.count_nonzero(moments(held_out[model.event_time]) > made)) if length(held_out) else 0


def _registry(platform: Platform) -> Registry:
    return Registry(platform.table, clock=platform.clock, new_id=platform.new_id)


def _tracking(platform: Platform) -> Tracking:
    return Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)


PIPELINE: Final = course(
    "adopt",
    Step(
        "load",
        load_model,
        ("platform", "journal", "notebook", "training", "code", "columns"),
        "fitted",
        FittedCodec(),
    ),
    resources=("notebook",),
)
