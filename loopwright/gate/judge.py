"""From evidence to a verdict. Whatever cannot be told (NaN) refuses."""

import math
from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from loopwright.columns import Columns
from loopwright.definitions.model import SMALLER_IS_BETTER, Model
from loopwright.definitions.rules import Gate, Slice
from loopwright.gate.evidence import Evidence, Opponent
from loopwright.metrics import Answers, measure, share_better
from loopwright.verdict import Finding, Verdict

_MEGABYTE = 1_000_000


def judge(gate: Gate, model: Model, evidence: Evidence) -> Verdict:
    """Check the evidence against every bound of the gate; the verdict names each check, whether it passed or not.

    Without a champion, or with one that cannot score these rows, thresholds, slices and budgets alone decide, and the
    verdict says so. Equal arguments give equal verdicts: chance comes from the model's seed.

    Raises:
        InvalidInputError: target and answers differ in length.
    """
    rows = len(evidence.target)
    candidate = _measured(model, evidence, evidence.candidate)
    opponent = evidence.champion
    champion = _measured(model, evidence, opponent.answers) if opponent and opponent.answers else {}
    share = _share(gate, model, evidence)
    reasons = (
        Finding("rows", rows >= gate.minimum_rows, f"at least {gate.minimum_rows:,} held-out rows", f"{rows:,}"),
        _metric(gate, candidate[gate.metric], rows),
        *(_slice(gate, model, evidence, part) for part in gate.slices),
        *_schema(model, evidence),
        _champion(gate, candidate[gate.metric], champion, opponent, share),
        *_budgets(gate, evidence),
    )
    return Verdict(
        passed=all(reason.passed for reason in reasons if reason.decides),
        reasons=reasons,
        rows=rows,
        candidate={name: _known(value) for name, value in candidate.items()},
        champion={name: _known(value) for name, value in champion.items()},
        champion_version=opponent.version if opponent else None,
        share_better=None if share is None else _known(share),
    )


def _measured(model: Model, evidence: Evidence, answers: Answers) -> dict[str, float]:
    names = dict.fromkeys((*model.metrics, model.gate.metric))
    return {name: measure(model.task, name, evidence.target, answers) for name in names}


def _share(gate: Gate, model: Model, evidence: Evidence) -> float | None:
    if evidence.champion is None or evidence.champion.answers is None:
        return None
    return share_better(
        model.task,
        gate.metric,
        evidence.target,
        evidence.candidate,
        evidence.champion.answers,
        margin=gate.margin,
        resamples=gate.resamples,
        seed=model.seed,
    )


def _metric(gate: Gate, value: float, rows: int) -> Finding:
    if gate.minimum is None:
        return Finding("metric", not math.isnan(value), f"{gate.metric} to be a number", f"{_text(value)} (n={rows:,})")
    return _bounded("minimum", gate, gate.minimum, value, rows, where="")


def _slice(gate: Gate, model: Model, evidence: Evidence, part: Slice) -> Finding:
    where = f" on slice {part.column}={part.value}"
    if part.column not in evidence.columns:
        wanted = f"{gate.metric} {_sign(gate)} {_text(part.minimum)}{where}"
        return Finding("slice", passed=False, wanted=wanted, got=f"no column {part.column!r} among the held-out rows")
    chosen = _rows_of(evidence.columns, part)
    count = int(np.count_nonzero(chosen))
    value = measure(model.task, gate.metric, evidence.target[chosen], evidence.candidate.take(chosen))
    return _bounded("slice", gate, part.minimum, value, count, where=where, decides=count >= part.minimum_rows)


def _rows_of(columns: Columns, part: Slice) -> NDArray[np.bool_]:
    column = columns[part.column]
    if column.dtype == object:
        return np.asarray(column == part.value, dtype=bool)
    try:
        number = float(part.value)
    except ValueError:
        return np.zeros(len(column), dtype=bool)
    # A time becomes microseconds here, which no slice names: it has no rows then.
    return np.asarray(column.astype(np.float64) == number, dtype=bool)


def _schema(model: Model, evidence: Evidence) -> Iterator[Finding]:
    defined = {field.name: str(field.dtype) for field in model.feature_fields}
    same = list(evidence.schema.items()) == list(defined.items())
    got = "exactly these" if same else _difference(defined, evidence.schema) or "them in another order"
    yield Finding("schema", same, f"the {len(defined)} input columns of the definition of {model.name!r}", got)
    if evidence.champion and evidence.champion.schema:
        difference = _difference(evidence.champion.schema, evidence.schema)
        yield Finding(
            "schema",
            passed=not difference,
            wanted=f"the input columns of champion {evidence.champion.version}",
            got=difference or "the same",
            decides=False,
        )


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    gone = [f"- {name}" for name in before if name not in after]
    new = [f"+ {name} {dtype}" for name, dtype in after.items() if name not in before]
    changed = [
        f"{name} {dtype} instead of {before[name]}"
        for name, dtype in after.items()
        if name in before and before[name] != dtype
    ]
    return ", ".join(gone + new + changed)


def _champion(
    gate: Gate, value: float, champion: Mapping[str, float], opponent: Opponent | None, share: float | None
) -> Finding:
    better = "below" if gate.metric in SMALLER_IS_BETTER else "above"
    margin = f" by more than {_text(gate.margin)}" if gate.margin else ""
    wanted = f"{gate.metric} {better} the champion's{margin} in >= {gate.confidence:.1%} of {gate.resamples} resamples"
    if opponent is None:
        return Finding("champion", passed=True, wanted=wanted, got="no champion to beat", decides=False)
    if share is None:
        why = opponent.unable or "it gave no answers"
        got = f"no comparison: champion {opponent.version} cannot score these rows ({why}); the other checks decide"
        return Finding("champion", passed=True, wanted=wanted, got=got, decides=False)
    found = "in none that can be told" if math.isnan(share) else f"in {share:.1%}"
    got = f"{found}: {_text(value)} against {_text(champion[gate.metric])} of champion {opponent.version}"
    return Finding("champion", share >= gate.confidence, wanted, got)


def _budgets(gate: Gate, evidence: Evidence) -> Iterator[Finding]:
    if gate.maximum_latency_ms is not None:
        fits = evidence.latency_ms <= gate.maximum_latency_ms
        wanted = f"one row in at most {_text(gate.maximum_latency_ms)} ms"
        yield Finding("latency", fits, wanted, f"{_text(evidence.latency_ms)} ms")
    if gate.maximum_size_mb is not None:
        size = evidence.size_bytes / _MEGABYTE
        wanted = f"a model of at most {_text(gate.maximum_size_mb)} MB"
        yield Finding("size", size <= gate.maximum_size_mb, wanted, f"{_text(size)} MB")


def _bounded(
    check: Literal["minimum", "slice"],
    gate: Gate,
    bound: float,
    value: float,
    rows: int,
    *,
    where: str,
    decides: bool = True,
) -> Finding:
    fits = value <= bound if gate.metric in SMALLER_IS_BETTER else value >= bound
    # Rounding must not print two equal numbers where one is under the other.
    text = repr(value) if not fits and _text(value) == _text(bound) else _text(value)
    return Finding(
        check, fits, f"{gate.metric} {_sign(gate)} {_text(bound)}{where}", f"{text} (n={rows:,})", decides=decides
    )


def _sign(gate: Gate) -> str:
    return "<=" if gate.metric in SMALLER_IS_BETTER else ">="


def _text(value: float) -> str:
    return "a value that cannot be told" if math.isnan(value) else f"{value:.4g}"


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
