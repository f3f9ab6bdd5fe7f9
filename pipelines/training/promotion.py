"""The end of a training: judge, register, and promote what has earned it."""

from dataclasses import dataclass
from typing import Final

from loopwright.columns import Columns
from loopwright.definitions.project import features_digest
from loopwright.errors import ConflictError
from loopwright.gate import Evidence, Verdict, judge
from loopwright.ports import Platform
from loopwright.registry import CHAMPION, Lineage, NewVersion, Registry
from pipelines.training.evaluate import Evaluation, held_out_rows, measured, opponent
from pipelines.training.observations import TARGET
from pipelines.training.packaging import Exported
from pipelines.training.provenance import Provenance
from pipelines.training.request import Training
from pipelines.training.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a registered candidate.

    Attributes:
        promoted: whether it is champion now, or was made champion by this run.
        replaced: the champion before it; None: there was none.
        verdict: the last one: against the champion of the very moment.
        note: in words.
    """

    promoted: bool
    replaced: int | None
    verdict: Verdict
    note: str


def gate(training: Training, columns: Columns, evaluation: Evaluation, exported: Exported) -> Verdict:
    """Judge the candidate by the model's gate."""
    model = training.model
    held_out = held_out_rows(model, columns)
    evidence = Evidence(
        target=held_out[TARGET],
        candidate=evaluation.candidate,
        champion=evaluation.champion,
        columns=held_out,
        schema={field.name: str(field.dtype) for field in model.feature_fields},
        latency_ms=exported.latency_ms,
        size_bytes=exported.size_bytes,
    )
    return judge(model.gate, model, evidence)


def register(
    platform: Platform,
    provenance: Provenance,
    training: Training,
    snapshot: Snapshot,
    columns: Columns,
    evaluation: Evaluation,
    exported: Exported,
    verdict: Verdict,
) -> int:
    """Register the candidate with its lineage and its verdict, passed or not, and return its number."""
    model, request = training.model, training.request
    lineage = Lineage(
        code_commit=provenance.commit,
        code_dirty=bool(provenance.dirty),
        code_digest=provenance.code,
        datasets=snapshot.pins,
        parameters=dict(request.parameters),
        environment_digest=provenance.environment_digest,
    )
    version = _registry(platform).register(
        NewVersion(
            model=model.name,
            run_id=request.run_id,
            source=exported.source,
            digest=exported.digest,
            features_digest=features_digest(model),
            lineage=lineage,
            metrics=measured(model, held_out_rows(model, columns)[TARGET], evaluation.candidate),
            tags={"runtime": exported.runtime, **request.tags},
            verdict=verdict,
        )
    )
    return version.version


def promote(
    platform: Platform,
    training: Training,
    columns: Columns,
    evaluation: Evaluation,
    exported: Exported,
    verdict: Verdict,
    version: int,
) -> Promotion:
    """Make the candidate champion if its verdict passed; a candidate that was champion before stays what it is.

    When somebody else became champion since the evaluation, the candidate is judged anew against that one.
    """
    model, request = training.model, training.request
    registry = _registry(platform)
    for change in registry.alias_history(model.name, CHAMPION):
        if change.new == version:
            # An earlier life of this run promoted it and died before it could say so.
            return Promotion(promoted=True, replaced=change.old, verdict=verdict, note=_crowned(version))
    for _ in range(_ATTEMPTS):
        before = evaluation.champion.version if evaluation.champion else None
        if not verdict.passed:
            why = "; ".join(verdict.refusals)
            return Promotion(promoted=False, replaced=None, verdict=verdict, note=f"the gate refused: {why}")
        try:
            registry.promote(model.name, version, expected=before, who=request.who, why=request.reason)
        except ConflictError:
            champion = opponent(platform, model, held_out_rows(model, columns))
            evaluation = Evaluation(evaluation.candidate, champion)
            verdict = gate(training, columns, evaluation, exported)
            registry.record_verdict(model.name, version, verdict)
            continue
        return Promotion(promoted=True, replaced=before, verdict=verdict, note=_crowned(version))
    note = "the champion changed again and again while this candidate was judged: promote it by hand"
    return Promotion(promoted=False, replaced=None, verdict=verdict, note=note)


_ATTEMPTS: Final = 5


def _crowned(version: int) -> str:
    return f"version {version} became champion"


def _registry(platform: Platform) -> Registry:
    return Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
