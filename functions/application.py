"""Functions put together into one application, with its health and its OpenAPI document."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from functions.asgi import Receive, Scope, Send
from functions.problems import Problem
from functions.web import ANY, Answer, Endpoint, json_answer, problem_answer, send_answer
from loopwright.definitions import Project
from loopwright.ports import Telemetry

if TYPE_CHECKING:
    from functions.openapi import Paths

_OBJECT: Final = {"type": "object"}

_NOTHING: Final[Mapping[str, str]] = {}


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
    paths: "Paths"
    health: Callable[[], Mapping[str, ModelHealth]] = field(default=_no_models)


class Application:
    """An ASGI application of endpoints. What none of them takes is answered by a problem.

    A path that is an endpoint's route letter by letter goes there whatever else would take it; among the others the
    first one that takes it answers. A parameter `{name}` is one segment of a path, `{name:path}` one or more.
    """

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._fixed: dict[str, list[Endpoint]] = {}
        self._routes: list[tuple[re.Pattern[str], Endpoint]] = []
        for endpoint in endpoints:
            if "{" in endpoint.route:
                self._routes.append((_pattern(endpoint.route), endpoint))
            else:
                self._fixed.setdefault(endpoint.route, []).append(endpoint)

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
        path, method = scope["path"], scope["method"]
        wanted, allowed = "GET" if method == "HEAD" else method, set()
        for parameters, endpoint in self._taking(path):
            if endpoint.method in (wanted, ANY):
                await endpoint(parameters, scope, receive, send)
                return
            allowed.add(endpoint.method)
        await send_answer(send, _refused(path, method, allowed))

    def _taking(self, path: str) -> Iterator[tuple[Mapping[str, str], Endpoint]]:
        """Yield the endpoints that take the path, whatever the method, each with the path's parameters."""
        for endpoint in self._fixed.get(path, ()):
            yield _NOTHING, endpoint
        for pattern, endpoint in self._routes:
            found = pattern.fullmatch(path)
            if found is not None:
                yield found.groupdict(), endpoint


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
    from functions.openapi import document, operation  # noqa: PLC0415 - it is asked for by people, and seldom

    own: Paths = {
        "/health": {"get": operation("health", "Whether the process is alive, and what it serves.", answer=_OBJECT)},
        "/health/ready": {"get": operation("ready", "Whether every model has a champion.", answer=_OBJECT)},
    }
    return json_answer(document(project, [*(function.paths for function in functions), own]))


def _pattern(route: str) -> re.Pattern[str]:
    whole = re.sub(r"\\{(\w+):path\\}", r"(?P<\1>.+)", re.escape(route))
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", whole), re.DOTALL)


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
