"""Predictions over HTTP: `POST /models/{model}/predict`."""

import time
from collections.abc import Callable, Mapping
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


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform, project, Predictor(platform, project))])


def build(platform: Platform, project: Project, predictor: Predictor, *, row_limit: int = ROW_LIMIT) -> Function:
    """Return the function, answering through this predictor."""
    act = _action(predictor, platform.telemetry, row_limit)
    return Function(
        [Endpoint(ROUTE, act, platform.telemetry)],
        {f"/models/{model.name}/predict": {"post": _describe(model, row_limit)} for model in project.models},
        lambda: _health(project, predictor),
    )


def _action(
    predictor: Predictor, telemetry: Telemetry, row_limit: int, timer: Callable[[], float] = time.perf_counter
) -> Callable[[Call], Answer]:
    def predict(call: Call) -> Answer:
        started = timer()
        model = call.path["model"]
        predictions = predictor.predict(model, _rows(call.body, row_limit))
        answer = json_answer(predictions)
        telemetry.count("predictions", float(len(predictions.predictions)), model=model)
        telemetry.observe("prediction_ms", (timer() - started) * 1e3, model=model)
        return answer

    return predict


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
