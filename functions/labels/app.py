"""Labels over HTTP: `POST /models/{model}/labels`."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from functions.application import Application, Function, compose
from functions.openapi import REJECTED, operation
from functions.problems import too_large
from functions.schemas import Schema
from functions.web import Answer, Call, Endpoint, json_answer, parsed
from loopwright.definitions import Model, Project
from loopwright.ports import Platform
from loopwright.serving.identity import LONGEST_ID
from loopwright.serving.labels import LabelRow, Labels

LABEL_LIMIT: Final = 10_000
"""The most labels that one request may have."""

ROUTE: Final = "/models/{model}/labels"


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    labels: list[LabelRow]


_DECODER: Final = msgspec.json.Decoder(_Body)


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform, project)])


def build(platform: Platform, project: Project, *, label_limit: int = LABEL_LIMIT) -> Function:
    """Return the function."""
    act = _action(Labels(platform, project), label_limit)
    return Function(
        [Endpoint(ROUTE, act, platform.telemetry)],
        {f"/models/{model.name}/labels": {"post": _describe(model, label_limit)} for model in project.models},
    )


def _action(labels: Labels, label_limit: int) -> Callable[[Call], Answer]:
    def accept(call: Call) -> Answer:
        rows = parsed(_DECODER, call.body).labels
        if len(rows) > label_limit:
            raise too_large(f"{len(rows):,} labels in one request; at most {label_limit:,}: send them in parts")
        return json_answer({"accepted": labels.accept(call.path["model"], rows)})

    return accept


def _describe(model: Model, label_limit: int) -> Mapping[str, object]:
    schema, example = _label(model)
    label = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID, "description": "The prediction's id."},
            "label": schema,
            "at": {
                "type": ["string", "number", "null"],
                "format": "date-time",
                "description": "When the truth was known; now where it is left out. The newest one of an id counts.",
            },
        },
        "required": ["id", "label"],
        "additionalProperties": False,
    }
    body = {
        "type": "object",
        "properties": {"labels": {"type": "array", "items": label, "minItems": 1, "maxItems": label_limit}},
        "required": ["labels"],
        "additionalProperties": False,
    }
    return operation(
        f"label_{model.name}",
        f"Tell the true {model.label.name} of predictions.",
        body=body,
        example={"labels": [{"id": "a-prediction", "label": example}]},
        answer={"type": "object", "properties": {"accepted": {"type": "integer"}}, "required": ["accepted"]},
        problems=REJECTED,
    )


def _label(model: Model) -> tuple[Schema, object]:
    match model.task:
        case "binary":
            values = [0, 1, False, True, *([model.label.positive] if model.label.positive else [])]
            return {"enum": values, "description": "Whether it was positive."}, 1
        case "regression":
            return {"type": "number", "description": "The true value."}, 1.0
        case "multiclass":
            return {"type": ["string", "integer"], "description": "The true class."}, "class"
