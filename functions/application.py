"""Functions put together into one application, with its health and its OpenAPI document."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final

import msgspec

from functions.asgi import Receive, Scope, Send
from functions.openapi import Paths, document, operation
from functions.problems import Problem
from functions.web import Answer, Endpoint, json_answer, problem_answer, send_answer
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


class Application:
    """An ASGI application of endpoints. What none of them takes is answered by a problem."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._routes = [(_pattern(endpoint.route), endpoint) for endpoint in endpoints]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or take note that the server starts and ends."""
        match scope["type"]:
            case "http":
                await self._answer(scope, receive, send)
            case "lifespan":
                await _live(receive, send)
            case _:
                await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method, allowed = scope["path"], scope["method"], set()
        for pattern, endpoint in self._routes:
            found = pattern.fullmatch(path)
            if found is None:
                continue
            if endpoint.method == ("GET" if method == "HEAD" else method):
                await endpoint(found.groupdict(), scope, receive, send)
                return
            allowed.add(endpoint.method)
        await send_answer(send, _refused(path, method, allowed))


def compose(project: Project, telemetry: Telemetry, functions: Sequence[Function]) -> Application:
    """Return the functions as one application."""
    own = [
        Endpoint("/health", lambda _: _health(functions), telemetry, method="GET", threaded=True),
        Endpoint("/health/ready", lambda _: _ready(functions), telemetry, method="GET", threaded=True),
        Endpoint("/openapi.json", lambda _: _openapi(project, functions), telemetry, method="GET"),
    ]
    endpoints = [*(one for function in functions for one in function.endpoints), *own]
    return Application(endpoints)


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
    return problem_answer(Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not ready", detail, problems, retry=True))


def _openapi(project: Project, functions: Sequence[Function]) -> Answer:
    own: Paths = {
        "/health": {"get": operation("health", "Whether the process is alive, and what it serves.", answer=_OBJECT)},
        "/health/ready": {"get": operation("ready", "Whether every model has a champion.", answer=_OBJECT)},
    }
    return json_answer(document(project, [*(function.paths for function in functions), own]))


def _pattern(route: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(route)))


def _refused(path: str, method: str, allowed: set[str]) -> Answer:
    if not allowed:
        detail = f"there is no {path} here: see /openapi.json"
        return problem_answer(Problem(HTTPStatus.NOT_FOUND, "not found", detail))
    detail = f"{path} does not take {method}: see /openapi.json"
    answer = problem_answer(Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method not allowed", detail))
    return replace(answer, headers=((b"allow", ", ".join(sorted(allowed)).encode()),))


async def _live(receive: Receive, send: Send) -> None:
    """Answer the server's start and end; nothing has to be done for either."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
