"""Showing models and runs elsewhere too: `POST /mirror` tells the platform's mirror of all that it has to show."""

from typing import Final

from functions.application import Application, Function, compose
from functions.openapi import operation
from functions.web import Answer, Endpoint, json_answer
from loopwright.definitions import Project
from loopwright.errors import CapabilityError
from loopwright.mirroring import Mirroring
from loopwright.ports import Platform


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform, project)])


def build(platform: Platform, project: Project) -> Function:
    """Return the function."""

    def act(_: object) -> Answer:
        mirror = platform.mirror
        if mirror is None:
            raise CapabilityError("models and runs are shown nowhere else: no mirror is configured here")
        return json_answer({"versions": Mirroring(platform, mirror).everything(project)})

    return Function([Endpoint("/mirror", act, platform.telemetry, threaded=True)], {"/mirror": {"post": _DESCRIBED}})


_DESCRIBED: Final = operation(
    "mirror",
    "Show every model's versions and their runs where people look at them too.",
    answer={
        "type": "object",
        "properties": {"versions": {"type": "integer", "description": "That an alias leads to."}},
        "required": ["versions"],
    },
)
