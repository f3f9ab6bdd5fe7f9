"""Evaluation: candidate and champion on the same held-out rows."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
from typing_extensions import override

from loopwright.columns import Array, Columns, take
from loopwright.definitions.model import Model
from loopwright.errors import InvalidInputError, LoopwrightError
from loopwright.gate import Opponent
from loopwright.metrics import Answers, measure
from loopwright.models import load_scorer
from loopwright.ports import Platform
from loopwright.registry import Registry
from pipelines.checkpoints import Codec, pack_columns, unpack_columns
from pipelines.training.fit import Fitted, answer, answers
from pipelines.training.observations import TARGET, split_rows
from pipelines.training.request import Training


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """Answers for the held-out rows, in their order; `champion` is None where there is none yet."""

    candidate: Answers
    champion: Opponent | None


def evaluate(platform: Platform, training: Training, fitted: Fitted, columns: Columns) -> Evaluation:
    """Let candidate and champion answer the held-out rows."""
    model = training.model
    _, held_out = split_rows(model, columns)
    rows = take(columns, held_out)
    return Evaluation(answer(model, fitted, rows), opponent(platform, model, rows))


def opponent(platform: Platform, model: Model, rows: Columns) -> Opponent | None:
    """Return the present champion's answers; one that cannot answer says why."""
    registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
    number = registry.routing(model.name).champion
    if number is None:
        return None
    version = registry.version(model.name, number)
    try:
        scorer = load_scorer(platform.blobs, version.source, version.digest)
        schema = {feature.name: str(feature.dtype) for feature in scorer.manifest.features}
        return Opponent(number, answers(scorer.score(rows)), schema=schema)
    except InvalidInputError as error:
        return Opponent(number, None, unable=str(error))
    except LoopwrightError as error:
        # A champion that is damaged must not stop its successor.
        return Opponent(number, None, unable=f"it cannot be loaded: {error}")


def held_out_rows(model: Model, columns: Columns) -> dict[str, Array]:
    """Return the rows on which a candidate is judged."""
    return take(columns, split_rows(model, columns)[1])


def measured(model: Model, target: Array, given: Answers) -> Mapping[str, float]:
    """Return the model's metrics, without those that cannot be told."""
    names = dict.fromkeys((*model.metrics, model.gate.metric))
    found = {name: measure(model.task, name, target, given) for name in names}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def metrics_of(model: Model, evaluation: Evaluation, columns: Columns) -> Mapping[str, float]:
    """Return the candidate's metrics on the held-out rows."""
    return measured(model, held_out_rows(model, columns)[TARGET], evaluation.candidate)


class EvaluationCodec(Codec[Evaluation]):
    """Keeps answers as columns."""

    @override
    def encode(self, value: Evaluation) -> bytes:
        champion = value.champion
        head = None if champion is None else (champion.version, champion.unable, dict(champion.schema))
        theirs = champion.answers if champion else None
        return msgspec.msgpack.encode((_pack(value.candidate), head, None if theirs is None else _pack(theirs)))

    @override
    def decode(self, data: bytes) -> Evaluation:
        mine, head, theirs = msgspec.msgpack.decode(data, type=_Kept)
        champion = None if head is None else Opponent(head[0], _unpack(theirs) if theirs else None, head[1], head[2])
        return Evaluation(_unpack(mine), champion)


_Packed = tuple[bytes, tuple[str, ...]]
_Kept = tuple[_Packed, tuple[int, str, dict[str, str]] | None, _Packed | None]


def _pack(given: Answers) -> _Packed:
    columns: dict[str, Array] = {"score": given.score}
    if given.prediction is not None:
        columns["prediction"] = given.prediction
    if given.probabilities is not None:
        columns |= {f"probability_{place}": column for place, column in enumerate(given.probabilities.T)}
    return pack_columns(columns), given.classes


def _unpack(packed: _Packed) -> Answers:
    columns = unpack_columns(packed[0])
    names = sorted((name for name in columns if name.startswith("probability_")), key=lambda name: int(name[12:]))
    probabilities = np.column_stack([columns[name].astype(np.float64) for name in names]) if names else None
    prediction = columns["prediction"].astype(object) if "prediction" in columns else None
    return Answers(columns["score"].astype(np.float64), prediction, probabilities, packed[1])
