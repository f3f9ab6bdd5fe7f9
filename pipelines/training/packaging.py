"""Packaging: the exported model with everything that describes it, under its run."""

from dataclasses import dataclass

from loopwright.columns import Columns, take
from loopwright.definitions.model import Model
from loopwright.models import write_package
from loopwright.models.package import Package, seal_package
from loopwright.monitoring.profiles import PROFILE_FILE, build_profile
from loopwright.ports import Platform
from loopwright.tracking.artifact_paths import PACKAGE_FOLDER, artifact_key
from pipelines.training.card import card
from pipelines.training.evaluate import Evaluation, held_out_rows, measured
from pipelines.training.export import Export, export, latency_of
from pipelines.training.fit import Fitted
from pipelines.training.mlflow_files import mlflow_files
from pipelines.training.observations import TARGET, Validation, split_rows
from pipelines.training.provenance import Provenance
from pipelines.training.request import Training
from pipelines.training.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Exported:
    """A package that is written: where, what, and what the gate wants to know of it.

    Attributes:
        source: the prefix of its objects.
        digest: of its manifest.
        runtime: onnx or skops.
        fallback: why it is not ONNX; empty: it is.
        parity_rows: on how many rows it was compared with the estimator.
        difference: the greatest difference.
        latency_ms: the median of one row.
        size_bytes: of the model file.
    """

    source: str
    digest: str
    runtime: str
    fallback: str
    parity_rows: int
    difference: float
    latency_ms: float
    size_bytes: int


def package_source(run_id: str) -> str:
    """Return where a run's package is."""
    return artifact_key(run_id, PACKAGE_FOLDER)


def write_export(
    platform: Platform,
    provenance: Provenance,
    training: Training,
    snapshot: Snapshot,
    validation: Validation,
    fitted: Fitted,
    columns: Columns,
    evaluation: Evaluation,
) -> Exported:
    """Export the fitted model, write its package and return what there is to know of it."""
    model = training.model
    held_out = held_out_rows(model, columns)
    made = export(model, fitted, held_out)
    package = _package(provenance, training, snapshot, validation, made, columns, evaluation)
    source = package_source(training.request.run_id)
    return Exported(
        source=source,
        digest=write_package(platform.blobs, source, package),
        runtime=made.manifest.runtime,
        fallback=made.fallback,
        parity_rows=made.parity_rows,
        difference=made.difference,
        latency_ms=latency_of(made.manifest, made.data, held_out),
        size_bytes=len(made.data),
    )


def _package(
    provenance: Provenance,
    training: Training,
    snapshot: Snapshot,
    validation: Validation,
    made: Export,
    columns: Columns,
    evaluation: Evaluation,
) -> Package:
    model, request = training.model, training.request
    held_out = held_out_rows(model, columns)
    metrics = measured(model, held_out[TARGET], evaluation.candidate)
    about = mlflow_files(
        made.manifest, held_out, run_id=request.run_id, at=request.at, environment=provenance.environment
    )
    files = {
        made.manifest.model_file: made.data,
        PROFILE_FILE: profile_of(model, columns, evaluation),
        "card.md": card(model, request, snapshot, validation, provenance, made, metrics),
        **about,
    }
    return seal_package(made.manifest, files)


def profile_of(model: Model, columns: Columns, evaluation: Evaluation) -> bytes:
    """Return the profile of the training rows and of the candidate's answers for the held-out ones."""
    trained, held_out = split_rows(model, columns)
    target = columns[TARGET][held_out]
    profile = build_profile(
        model,
        take(columns, trained),
        scores=evaluation.candidate.score,
        target=target,
        predictions=evaluation.candidate.prediction if model.task != "regression" else None,
        metrics=measured(model, target, evaluation.candidate),
    )
    return profile.to_json()
