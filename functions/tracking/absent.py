"""What MLflow has and Loopwright has not, where a page asks for it all the same.

There are no traces, judges, evaluation data sets, gateways or assistants here, and nothing can be logged of them: that
is answered by 501. So that there are none is the truth, and it is answered as MLflow's server answers it.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

import msgspec

from functions.tracking.errors import MlflowError
from functions.tracking.requests import Method, Route
from functions.web import Action, Answer, Call

_NO_TELEMETRY: Final = {"disable_ui_events": [], "disable_ui_telemetry": True, "ui_rollout_percentage": 0}
"""What people click on is told to nobody."""

NOTHING: Final[Mapping[tuple[Method, str], object]] = {
    ("GET", "2.0/mlflow/gateway-proxy"): {"endpoints": []},
    ("GET", "3.0/mlflow/assistant/config"): {"providers": {}, "projects": {}, "remote_access_allowed": False},
    ("GET", "3.0/mlflow/assistant/providers"): {"providers": [], "resolved": None, "gateway_vendor_options": {}},
    ("GET", "3.0/mlflow/gateway/endpoints/list"): {},
    ("GET", "3.0/mlflow/gateway/secrets/list"): {},
    ("GET", "3.0/mlflow/mcp-servers"): {"mcp_servers": [], "next_page_token": None},
    ("GET", "3.0/mlflow/scorers/list"): {},
    ("GET", "3.0/mlflow/ui-telemetry"): _NO_TELEMETRY,
    ("POST", "3.0/mlflow/ui-telemetry"): {"status": "disabled"},
    ("POST", "3.0/mlflow/datasets/search"): {},
    ("POST", "3.0/mlflow/traces/metrics"): {"data_points": []},
    ("POST", "3.0/mlflow/traces/search"): {},
}
"""Calls, and what is answered where nothing is."""

USER: Final = ("GET", "2.0/mlflow/users/current")
"""Is there only on servers that keep accounts; the pages ask it to find out."""


def routes() -> Sequence[Route]:
    """Return the calls."""
    nothing = [Route(method, path, _saying(answer)) for (method, path), answer in NOTHING.items()]
    return [*nothing, Route("GET", USER[1], _no_user)]


def _saying(value: object) -> Action:
    answer = Answer(msgspec.json.encode(value))
    return lambda _: answer


def _no_user(_: Call) -> NoReturn:
    raise MlflowError("ENDPOINT_NOT_FOUND", "there are no accounts here: who calls is known by a key or a token")
