"""Functions put together into one application, with its health and its OpenAPI document."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from functions.openapi import Paths, document, operation
from functions.problems import Problem
from functions.web import Answer, Endpoint, json_answer
from loopwright.definitions import Project
from loopwright.ports import Telemetry

_OBJECT: Final = {"type": "object"}


class ModelHealth(msgspec.Struct, frozen=True):
    """Whether a model can answer: its champion, and what is named but cannot be served."""

    champion: int | None
    problems: list[str]


def _no_models() -> Mapping[str, ModelHealth]:
    return {}


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the deployment.

    Attributes:
        endpoints: what it answers.
        paths: the same for OpenAPI.
        health: the models that it serves; a function without models is ready as soon as it is alive.
    """

    endpoints: Sequence[Endpoint]
    paths: Paths
    health: Callable[[], Mapping[str, ModelHealth]] = field(default=_no_models)


def compose(project: Project, telemetry: Telemetry, functions: Sequence[Function]) -> Starlette:
    """Return the functions as one application."""
    own = [
        Endpoint("/health", lambda _: _health(functions), telemetry, method="GET", threaded=True),
        Endpoint("/health/ready", lambda _: _ready(functions), telemetry, method="GET", threaded=True),
        Endpoint("/openapi.json", lambda _: _openapi(project, functions), telemetry, method="GET"),
    ]
    endpoints = [*(one for function in functions for one in function.endpoints), *own]
    return Starlette(
        routes=[endpoint.as_route() for endpoint in endpoints],
        exception_handlers={404: _nothing_here, 405: _wrong_method},
    )


def _health(functions: Sequence[Function]) -> Answer:
    models = {name: health for function in functions for name, health in function.health().items()}
    ready = all(one.champion is not None for one in models.values())
    return json_answer({"status": "ok", "ready": ready, "models": models})


def _ready(functions: Sequence[Function]) -> Answer:
    models = {name: health for function in functions for name, health in function.health().items()}
    missing = {name: health.problems for name, health in models.items() if health.champion is None}
    if not missing:
        return json_answer({"ready": True})
    problems = tuple(problem for found in missing.values() for problem in found)
    detail = f"no champion to answer for {', '.join(missing)}"
    problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not ready", detail, problems, retry=True)
    return Answer(problem.encode(), problem.status, b"application/problem+json")


def _openapi(project: Project, functions: Sequence[Function]) -> Answer:
    own: Paths = {
        "/health": {"get": operation("health", "Whether the process is alive, and what it serves.", answer=_OBJECT)},
        "/health/ready": {"get": operation("ready", "Whether every model has a champion.", answer=_OBJECT)},
    }
    return json_answer(document(project, [*(function.paths for function in functions), own]))


async def _nothing_here(request: Request, _: Exception) -> Response:
    detail = f"there is no {request.url.path} here: see /openapi.json"
    return _response(Problem(HTTPStatus.NOT_FOUND, "not found", detail))


async def _wrong_method(request: Request, error: Exception) -> Response:
    allowed = error.headers if isinstance(error, HTTPException) else None
    detail = f"{request.url.path} does not take {request.method}: see /openapi.json"
    return _response(Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed", detail), allowed)


def _response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return Response(problem.encode(), problem.status, headers, "application/problem+json")
