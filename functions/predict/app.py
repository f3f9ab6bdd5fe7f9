"""Predictions over HTTP: `POST /models/{model}/predict`."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from functions.application import Application, Function, ModelHealth, compose
from functions.openapi import REJECTED, operation
from functions.problems import malformed, too_large
from functions.schemas import Schema, example_row, row_schema
from functions.web import Answer, Call, Endpoint, json_answer, parsed
from loopwright.definitions import Model, Project
from loopwright.errors import LoopwrightError
from loopwright.ports import Platform, Telemetry
from loopwright.serving.answers import Predictions
from loopwright.serving.identity import LONGEST_ID, id_key
from loopwright.serving.predictor import Predictor

ROW_LIMIT: Final = 10_000
"""The most rows that one request may have."""

ROUTE: Final = "/models/{model}/predict"

Row = dict[str, object]


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[Row] | None = None
    row: Row | None = None


_DECODER: Final = msgspec.json.Decoder(_Body)


def create_app(
    platform: Platform, project: Project, predictor: Predictor | None = None, *, together: bool = False
) -> Application:
    """Return the function as an application of its own, answering through a predictor, else through one of its own."""
    answering = predictor or Predictor(platform, project)
    return compose(project, platform.telemetry, [build(platform, project, answering, together=together)])


def build(
    platform: Platform, project: Project, predictor: Predictor, *, row_limit: int = ROW_LIMIT, together: bool = False
) -> Function:
    """Return the function, answering through this predictor.

    `together` is for servers: calls that arrive at the same moment are scored and logged as one batch.
    """
    act = _Predict(predictor, platform.telemetry, row_limit)
    return Function(
        [Endpoint(ROUTE, act, platform.telemetry, together=act.together if together else None)],
        {f"/models/{model.name}/predict": {"post": _describe(model, row_limit)} for model in project.models},
        lambda: _health(project, predictor),
    )


class _Predict:
    """The action: from a call to its answer."""

    def __init__(
        self,
        predictor: Predictor,
        telemetry: Telemetry,
        row_limit: int,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._predictor = predictor
        self._telemetry = telemetry
        self._row_limit = row_limit
        self._timer = timer

    def __call__(self, call: Call) -> Answer:
        started = self._timer()
        predictions = self._predictor.predict(call.path["model"], _rows(call.body, self._row_limit))
        return self._answers([predictions], started)[0]

    def together(self, calls: Sequence[Call]) -> Sequence[Answer | Exception]:
        """Answer calls of one model as one batch; if that fails, each by itself, so that each gets its own error."""
        models = {call.path["model"] for call in calls}
        if len(calls) > 1 and len(models) == 1:
            started = self._timer()
            try:
                requests = [_rows(call.body, self._row_limit) for call in calls]
                found = self._predictor.predict_together(models.pop(), requests)
            except Exception:  # noqa: BLE001 - whose error it is shows when each is answered by itself
                return [self._alone(call) for call in calls]
            return self._answers(found, started)
        return [self._alone(call) for call in calls]

    def _alone(self, call: Call) -> Answer | Exception:
        try:
            return self(call)
        except Exception as error:  # noqa: BLE001 - the caller raises it where it belongs
            return error

    def _answers(self, found: Sequence[Predictions], started: float) -> list[Answer]:
        """Return the answers of calls of one model that were predicted together."""
        answers = [json_answer(predictions) for predictions in found]
        model, elapsed = found[0].model, (self._timer() - started) * 1e3
        self._telemetry.count("predictions", float(sum(len(one.predictions) for one in found)), model=model)
        for _ in found:
            self._telemetry.observe("prediction_ms", elapsed, model=model)
        return answers


def _rows(content: bytes, row_limit: int) -> list[Row]:
    body = parsed(_DECODER, content)
    if (body.rows is None) == (body.row is None):
        raise malformed("wanted either `rows`, a list of objects, or `row`, one object")
    if body.row is not None:
        return [body.row]
    rows = body.rows or []
    if len(rows) > row_limit:
        raise too_large(
            f"{len(rows):,} rows in one request; at most {row_limit:,}: send them in parts, or score a whole table "
            "with `loopwright score`"
        )
    return rows


def _health(project: Project, predictor: Predictor) -> Mapping[str, ModelHealth]:
    found = {}
    for model in project.models:
        try:
            serving = predictor.serving(model.name)
        except LoopwrightError as error:
            found[model.name] = ModelHealth(None, [str(error)])
        else:
            found[model.name] = ModelHealth(serving.champion.version, list(serving.problems))
    return found


def _describe(model: Model, row_limit: int) -> Mapping[str, object]:
    key = id_key(model)
    ids: Schema = {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_ID,
        "description": "The prediction's id, by which its label finds it; made for you where it is left out.",
    }
    row = row_schema(model.inputs, {key: ids})
    body = {
        "oneOf": [
            {"type": "object", "properties": {"row": row}, "required": ["row"], "additionalProperties": False},
            {
                "type": "object",
                "properties": {"rows": {"type": "array", "items": row, "minItems": 1, "maxItems": row_limit}},
                "required": ["rows"],
                "additionalProperties": False,
            },
        ]
    }
    return operation(
        f"predict_{model.name}",
        f"Predict {model.label.name} of {model.entity.name} ({model.task}).",
        body=body,
        example={"rows": [example_row(model.inputs)]},
        answer=_answer(model),
        problems=REJECTED,
    )


def _answer(model: Model) -> Schema:
    prediction = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "score": {"type": "number", "description": _SCORE[model.task]},
            "prediction": {"type": "string", "description": 'Binary: "0" or "1"; multiclass: the class.'},
            "arm": {"enum": ["champion", "canary"], "description": "Who answered, where it was not the champion."},
            "version": {"type": "integer", "description": "The version that answered, where it is not the champion."},
        },
        "required": ["id", "score", "prediction"],
    }
    ages = {"type": "array", "items": {"type": ["number", "null"]}}
    return {
        "type": "object",
        "properties": {
            "model": {"const": model.name},
            "version": {"type": "integer", "description": "The champion's version."},
            "predictions": {"type": "array", "items": prediction},
            "ages": {
                "type": "object",
                "description": "By feature view: how many seconds old the features are; null where there are none.",
                "properties": {view.name: ages for view in model.views},
            },
        },
        "required": ["model", "version", "predictions", "ages"],
    }


_SCORE: Final = {
    "binary": "The probability of the positive class.",
    "multiclass": "The probability of the predicted class.",
    "regression": "The predicted value.",
}
