"""Retraining on demand: a person asks over HTTP, the rules decide."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from functions.application import Application, Function, compose
from functions.openapi import REJECTED, operation
from functions.web import Answer, Call, Endpoint, json_answer, parsed
from loopwright.definitions import Project
from loopwright.ports import Platform
from loopwright.triggers.rules import Reason
from loopwright.triggers.service import Triggers

ROUTE: Final = "/models/{model}/retrain"


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    why: str
    who: str = "api"
    id: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Body)


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform, project)])


def build(platform: Platform, project: Project) -> Function:
    """Return the function."""
    act = _action(platform, Triggers(platform, project))
    paths = {f"/models/{model.name}/retrain": {"post": _describe(model.name)} for model in project.models}
    return Function([Endpoint(ROUTE, act, platform.telemetry, threaded=True)], paths)


def _action(platform: Platform, triggers: Triggers) -> Callable[[Call], Answer]:
    def act(call: Call) -> Answer:
        body = parsed(_DECODER, call.body)
        reason = Reason("person", body.why, body.id or platform.new_id(), body.who)
        decision = triggers.consider(call.path["model"], reason, now=platform.clock())
        return json_answer({"started": decision.started, "job": decision.job, "why": decision.why})

    return act


def _describe(model: str) -> Mapping[str, object]:
    text = {"type": "string"}
    properties = {
        "why": {**text, "description": "For the ledger."},
        "who": {**text, "description": "For the ledger."},
        "id": {**text, "description": "Names the occasion: the same one is decided once."},
    }
    return operation(
        f"retrain_{model}",
        "Ask for a retraining; the answer says whether one was started, and why.",
        body={"type": "object", "properties": properties, "required": ["why"], "additionalProperties": False},
        example={"why": "new aircraft in the fleet"},
        answer={
            "type": "object",
            "properties": {"started": {"type": "boolean"}, "job": {"type": ["string", "null"]}, "why": text},
            "required": ["started", "job", "why"],
        },
        problems=REJECTED,
    )
