"""MLflow's REST protocol on our tracking and registry: what its clients and its UI send, under `/api` and `/ajax-api`.

Each area of the protocol is a module with a function `routes` that returns its calls. What is no call of ours is
answered by 501 in MLflow's shape.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

from functions.application import Application, Function, compose
from functions.tracking import experiments, logged_models
from functions.tracking.errors import MlflowError, refusal
from functions.tracking.requests import Route
from functions.web import ANY, Call, Endpoint
from loopwright.definitions import Project
from loopwright.ports import Platform, Telemetry
from loopwright.tracking import LoggedModels, Tracking

PREFIXES: Final = ("/api/", "/ajax-api/")
"""Clients use the first, the UI the second."""


def create_app(platform: Platform, project: Project) -> Application:
    """Return the function as an application of its own."""
    return compose(project, platform.telemetry, [build(platform)])


def build(platform: Platform) -> Function:
    """Return the function."""
    tracking = Tracking(platform.table, platform.blobs, clock=platform.clock, new_id=platform.new_id)
    models = LoggedModels(platform.table, clock=platform.clock, new_id=platform.new_id)
    routes = [
        *experiments.routes(tracking),
        *logged_models.routes(models),
    ]
    return Function(list(_endpoints(routes, platform.telemetry)), {})


def _endpoints(routes: Sequence[Route], telemetry: Telemetry) -> Iterator[Endpoint]:
    for prefix in PREFIXES:
        for one in routes:
            yield Endpoint(prefix + one.path, one.act, telemetry, method=one.method, refusal=refusal)
        yield Endpoint(f"{prefix}{{call:path}}", _unknown, telemetry, method=ANY, refusal=refusal)


def _unknown(call: Call) -> NoReturn:
    raise MlflowError(
        "NOT_IMPLEMENTED",
        f"{call.path['call']} is no call that is answered here: see docs/mlflow.md for those that are",
    )
