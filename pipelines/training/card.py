"""A model's card: what it is, what it was made of and how well it did, for people."""

from collections.abc import Iterator, Mapping

from loopwright.clock import isoformat
from loopwright.definitions.model import Model
from pipelines.training.export import ABSOLUTE, RELATIVE, Export
from pipelines.training.observations import Validation
from pipelines.training.provenance import Provenance
from pipelines.training.request import AdoptRequest, TrainRequest
from pipelines.training.snapshot import Snapshot


def card(
    model: Model,
    request: TrainRequest,
    snapshot: Snapshot,
    validation: Validation,
    provenance: Provenance,
    export: Export,
    metrics: Mapping[str, float],
) -> bytes:
    """Return the card as Markdown."""
    lines = [
        f"# {model.name}",
        "",
        f"A {model.task} model that predicts `{model.label.name}` of one {model.entity.name}.",
        _origin(request),
        "",
        "## How well it does",
        "",
        _judged_on(model, request),
        "",
        *(f"- {name}: {value:.4f}" for name, value in metrics.items()),
        "",
        "## What it was trained on" if request.kind == "training" else "## What it was judged on",
        "",
        _rows(validation),
        "",
        *(f"- `{pin.table}` version {pin.version}, {pin.digest}" for pin in snapshot.pins),
        "",
        "## What it sees",
        "",
        *_features(model),
        "",
        "## How it is run",
        "",
        _runtime(export),
        "",
        "## Where it comes from",
        "",
        f"- commit: {provenance.commit or 'unknown'}{' with uncommitted changes' if provenance.dirty else ''}",
        f"- code: {provenance.code}",
        f"- environment: {provenance.environment_digest}",
        *(f"- parameter {name}: {value}" for name, value in sorted(request.parameters.items())),
        f"- seed: {model.seed}",
        "",
    ]
    return "\n".join(lines).encode()


def _origin(request: TrainRequest) -> str:
    asked = f"{request.reason} (asked by {request.who}, {isoformat(request.at)})"
    if isinstance(request, AdoptRequest):
        one = request.adopted
        run = f", of run {one.run_id}" if one.run_id else ""
        return f"Adopted from version {one.version} of `{one.model}`{run}: it was trained in a notebook. Why: {asked}."
    return f"Trained because of: {asked}."


def _judged_on(model: Model, request: TrainRequest) -> str:
    rows = f"On the newest {model.holdout.days} days of the training rows"
    if isinstance(request, AdoptRequest):
        return f"{rows}; which of them its notebook has seen is not known here:"
    return f"{rows}, which it has not seen:"


def _rows(validation: Validation) -> str:
    used = f"{validation.rows:,} rows, {validation.feedback_rows:,} of them predictions with their labels"
    return f"{used}; {validation.without_label:,} rows without a label were left out."


def _features(model: Model) -> Iterator[str]:
    for field in model.feature_fields:
        bounds = [text for text, bound in (("from", field.minimum), ("to", field.maximum)) if bound is not None]
        limits = [f"{text} {getattr(field, 'minimum' if text == 'from' else 'maximum'):g}" for text in bounds]
        notes = [field.dtype, *limits, *(["may be missing"] if field.nullable else [])]
        yield f"- `{field.name}` ({', '.join(notes)}){': ' + field.description if field.description else ''}"


def _runtime(export: Export) -> str:
    compared = (
        f"Compared with the estimator on {export.parity_rows:,} real rows: the greatest difference is "
        f"{export.difference:.2g}, allowed are {ABSOLUTE:g} + {RELATIVE:g} of the value."
    )
    if export.manifest.runtime == "skops":
        return f"By scikit-learn, from a skops file, because ONNX was not possible: {export.fallback}. {compared}"
    return f"By ONNX Runtime. {compared}" if export.parity_rows else "By ONNX Runtime; it came as ONNX."
