"""Export: a model file that answers like the estimator on real rows, or the estimator itself as a skops file."""

import statistics
import time
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from loopwright.columns import Columns, length, take
from loopwright.definitions.model import Model
from loopwright.errors import DefinitionError
from loopwright.metrics import Answers
from loopwright.models import Manifest, open_scorer
from pipelines.training.describe import foreign_manifest, output_of, plain_manifest
from pipelines.training.fit import Estimator, Fitted, answer, answers, classes_of
from pipelines.training.onnx_export import convert, plans
from pipelines.training.skops_export import dump, types_in

PARITY_ROWS: Final = 2_000
ABSOLUTE: Final = 1e-5
RELATIVE: Final = 1e-5
"""An export may differ from the estimator by ABSOLUTE + RELATIVE · |value| in a score, on every row compared."""

LATENCY_RUNS: Final = 200


@dataclass(frozen=True, slots=True)
class Export:
    """A model file and how it came about.

    Attributes:
        manifest: how to score with it.
        data: the file.
        fallback: why it is not ONNX, in words; empty: it is.
        parity_rows: on how many rows it was compared with the estimator.
        difference: the greatest difference found.
    """

    manifest: Manifest
    data: bytes
    fallback: str
    parity_rows: int
    difference: float


def export(model: Model, fitted: Fitted, rows: Columns) -> Export:
    """Return the model file: ONNX if it answers like the estimator on real rows, else skops.

    Raises:
        DefinitionError: neither is possible; the message names the types and what to do.
    """
    if isinstance(fitted, bytes):
        return Export(foreign_manifest(model, fitted), fitted, "", 0, 0.0)
    sample = take(rows, parity_rows(model, rows))
    expected = answer(model, fitted, sample)
    reasons: list[str] = []
    for plan in plans(model, fitted):
        made = _attempt(model, fitted, plan, sample)
        if isinstance(made, str):
            reasons.append(made)
            continue
        manifest, data, found = made
        if fits(expected, found):
            return Export(manifest, data, "", length(sample), furthest(expected, found))
        reasons.append(f"answers differ by up to {furthest(expected, found):.3g} on {length(sample):,} real rows")
    return _skops(model, fitted, sample, "; ".join(dict.fromkeys(reasons)))


def _attempt(model: Model, fitted: Estimator, plan: Pipeline, sample: Columns) -> tuple[Manifest, bytes, Answers] | str:
    """Return the export and what it answers, or why there is none."""
    try:
        data = convert(model, plan)
        manifest = plain_manifest(model, classes_of(model, fitted), output=output_of(data))
        return manifest, data, answers(open_scorer(manifest, data).score(sample))
    except Exception as error:  # noqa: BLE001 - the converter has no error class of its own; all of it means "no"
        return f"{type(error).__name__}: {_first_line(error)}"


def parity_rows(model: Model, rows: Columns) -> NDArray[np.intp]:
    """Return up to 2,000 rows spread evenly, a quarter of them, where there are as many, with a null somewhere."""
    null = np.zeros(length(rows), dtype=np.bool_)
    for name in model.features:
        column = rows[name]
        null |= (column == "").astype(np.bool_) if column.dtype == object else np.isnan(column)
    with_null = _spread(np.flatnonzero(null), PARITY_ROWS // 4)
    others = _spread(np.arange(length(rows)), PARITY_ROWS - len(with_null))
    return np.unique(np.concatenate([with_null, others]))


def _spread(rows: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.intp)]


def furthest(expected: Answers, found: Answers) -> float:
    """Return the greatest absolute difference of two models' answers; infinite where shapes differ."""
    before, after = _values(expected), _values(found)
    if before.shape != after.shape:
        return float("inf")
    return float(np.abs(before - after).max(initial=0.0))


def fits(expected: Answers, found: Answers) -> bool:
    """Return whether two models' answers are the same within the tolerance, on every row."""
    before, after = _values(expected), _values(found)
    return before.shape == after.shape and np.allclose(before, after, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=False)


def _values(given: Answers) -> NDArray[np.float64]:
    return given.score if given.probabilities is None else given.probabilities


def _skops(model: Model, fitted: Estimator, sample: Columns, why: str) -> Export:
    advice = "build the model from scikit-learn's own types, or return an ONNX model from the training function"
    try:
        data = dump(fitted)
    except Exception as error:
        raise DefinitionError(
            f"model {model.name!r} cannot be exported. ONNX: {why}. skops: {_first_line(error)}. Instead: {advice}"
        ) from error
    types, refused = types_in(data)
    if refused:
        raise DefinitionError(
            f"model {model.name!r} cannot be exported. ONNX: {why}. skops: it holds {', '.join(refused)}, which may "
            f"not be loaded. Instead: {advice}"
        )
    manifest = plain_manifest(model, classes_of(model, fitted), runtime="skops", trusted_types=types)
    found = answers(open_scorer(manifest, data).score(sample))
    expected = answer(model, fitted, sample)
    if not fits(expected, found):
        raise DefinitionError(
            f"model {model.name!r} answers differently once it is saved and loaded, by up to "
            f"{furthest(expected, found):.3g}: it depends on something outside of itself"
        )
    return Export(manifest, data, why, length(sample), furthest(expected, found))


def latency_of(manifest: Manifest, data: bytes, rows: Columns) -> float:
    """Return the median milliseconds of one row through the model file."""
    scorer = open_scorer(manifest, data)
    count = length(rows)
    taken = []
    for run in range(LATENCY_RUNS):
        row = take(rows, slice(run % count, run % count + 1))
        began = time.perf_counter()
        scorer.score(row)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1e3


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
