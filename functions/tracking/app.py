"""MLflow's REST protocol on our tracking and registry: what its clients and its UI send, under `/api` and `/ajax-api`.

Each area of the protocol is a module with a function `routes` that returns its calls. What is no call of ours is
answered by 501 in MLflow's shape.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, NoReturn

from functions.application import Application, Function, compose
from functions.asgi import App
from functions.entrance import entrance
from functions.origins import OwnPages
from functions.streams import StreamingEndpoint
from functions.tracking import (
    absent,
    artifact_uploads,
    artifacts,
    experiments,
    graphql,
    inputs,
    logged_models,
    logs,
    metrics,
    registry,
    runs,
    search,
    server,
    ui,
)
from functions.tracking.artifact_files import Files
from functions.tracking.errors import MlflowError, refusal
from functions.tracking.registry.moves import Moves
from functions.tracking.requests import PREFIXES, Route
from functions.web import ANY, Call, Endpoint
from loopwright.definitions import Access, Project
from loopwright.ports import Capabilities, Platform
from loopwright.registry import Registry
from loopwright.tracking import LoggedModels, Tracking
from loopwright.tracking.artifacts import Artifacts


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform, project)])


def fronted(app: App, platform: Platform, environment: Mapping[str, str]) -> App:
    """Return the application behind what the environment says about who may call, and closed to other people's pages.

    Raises:
        DefinitionError: the environment contradicts itself.
    """
    return entrance(OwnPages(app, refusal=refusal), platform, environment, personal=True, refusal=refusal)


class Services(NamedTuple):
    """What the calls are answered with."""

    tracking: Tracking
    models: LoggedModels
    registry: Registry
    moves: Moves
    files: Files
    capabilities: Capabilities

    @classmethod
    def over(cls, platform: Platform, *, project: str = "") -> "Services":
        """Return the services on a platform; events name the project."""
        tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
        models = LoggedModels(platform.table, clock=platform.clock, new_id=platform.new_id)
        registry = Registry(platform.table, clock=platform.clock, new_id=platform.new_id)
        files = Files(Artifacts(platform.blobs), tracking, models, registry)
        moves = Moves(registry, platform, project=project)
        return cls(tracking, models, registry, moves, files, platform.capabilities)


def build(platform: Platform, project: Project) -> Function:
    """Return the function."""
    services = Services.over(platform, project=project.name)
    found = routes(services)
    if project.access is not None:
        found = guarded(found, project.access, services)
    version = Endpoint("/version", server.version, platform.telemetry, method="GET")
    pages = [version, graphql.endpoint(found, platform), *ui.endpoints(platform)]
    return Function([*_endpoints(found, platform), *pages], {})


def routes(services: Services) -> Sequence[Route]:
    """Return all calls; who may do what is not asked yet. What each wants of its caller is in `needs.py`."""
    return [
        *server.routes(artifact_uploads.PastUs(services.files.artifacts, services.capabilities)),
        *absent.routes(),
        *experiments.routes(services.tracking),
        *runs.routes(services.tracking),
        *search.routes(services.tracking),
        *logs.routes(services.tracking, services.models),
        *inputs.routes(services.tracking),
        *metrics.routes(services.tracking),
        *logged_models.routes(services.models),
        *artifacts.routes(services.files),
        *artifact_uploads.routes(services.files),
        *registry.routes(services.registry, services.tracking, services.models, services.moves),
    ]


def guarded(routes: Sequence[Route], access: Access, services: Services) -> Sequence[Route]:
    """Return the same calls, each behind the question whether its caller may do it."""
    # Where nobody has declared who may do what, nothing of this is imported.
    from functions.tracking.homes import TrackedHomes  # noqa: PLC0415
    from functions.tracking.permits import Permits  # noqa: PLC0415
    from functions.tracking.rules import Rules  # noqa: PLC0415

    permits = Permits(Rules(access, TrackedHomes(services.tracking, services.models, services.registry)))
    return [replace(one, act=permits.guarded(one)) for one in routes]


def _endpoints(routes: Sequence[Route], platform: Platform) -> Iterator[Endpoint]:
    telemetry, threaded = platform.telemetry, platform.capabilities.remote
    for one in routes:
        kind = StreamingEndpoint if one.streams else Endpoint
        for prefix in one.prefixes:
            yield kind(prefix + one.path, one.act, telemetry, method=one.method, threaded=threaded, refusal=refusal)
    for prefix in PREFIXES:
        yield Endpoint(f"{prefix}{{call:path}}", _unknown, telemetry, method=ANY, refusal=refusal)


def _unknown(call: Call) -> NoReturn:
    raise MlflowError(
        "NOT_IMPLEMENTED",
        f"{call.path['call']} is no call that is answered here: see docs/mlflow.md for those that are",
    )
