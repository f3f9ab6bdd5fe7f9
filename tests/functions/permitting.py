"""A world of two teams. Every word that the closed one has logged is `canary`; who reads none of it never sees that.

Everything was logged over the protocol itself, by somebody who may do everything.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from adapters import open_platform
from functions.asgi import App, Receive, Scope, Send
from functions.callers import CALLER, Caller
from functions.tracking.app import create_app
from loopwright.definitions import Access, Grant, Project
from loopwright.ports import Platform
from loopwright.settings import Settings
from tests.airport.caller import Answered
from tests.airport.caller import Caller as Client

CANARY: Final = "canary"

FILE: Final = "model/weights.txt"

ROOT: Final = Caller("root@x.example", "key")
GUEST: Final = Caller("guest@x.example", "key")
"""Manages what is the open team's, and has no role where the closed one is at home."""

ACCESS: Final = Access(
    experiments=(
        Grant("open*", manage=("guest@x.example",), write=("writer",), read=("reader",)),
        Grant("closed*", manage=("chief",), write=("clerk",), read=("visitor",)),
    ),
    models=(
        Grant("open*", manage=("guest@x.example",), write=("writer",), read=("reader",)),
        Grant("closed*", manage=("chief",), write=("clerk",), read=("visitor",)),
    ),
    admins=("root@x.example",),
    approvers=("chief",),
    protected=("challenger",),
)


@dataclass(frozen=True)
class Team:
    """What one team has: identities and names, which may be known to others."""

    experiment: str
    experiment_id: str
    run_id: str
    model_id: str
    model: str

    @property
    def source(self) -> str:
        return f"mlflow-artifacts:/{self.experiment_id}/{self.run_id}/artifacts/model"

    @property
    def path(self) -> str:
        return f"{self.experiment_id}/{self.run_id}/artifacts/{FILE}"

    @property
    def model_path(self) -> str:
        return f"{self.experiment_id}/models/{self.model_id}/artifacts/{FILE}"


class Server:
    """The tracking function of a project, which callers ask under their names."""

    def __init__(self, platform: Platform, access: Access | None = ACCESS) -> None:
        self.platform = platform
        self.app = create_app(platform, Project("teams", (), access=access))

    def ask(
        self, caller: Caller, method: str, path: str, fields: Mapping[str, object] | None = None, data: bytes = b""
    ) -> Answered:
        """Send fields in the body, or with GET and with data as a query."""
        query = method == "GET" or bool(data)
        asked = f"{path}?{urlencode(fields or {}, doseq=True)}" if query else path
        return Client(_As(self.app, caller)).send(method, asked, data if query else json.dumps(fields or {}).encode())

    def done(self, caller: Caller, method: str, call: str, **fields: object) -> dict:
        """What a call of the protocol answers, which must be that it is done."""
        answer = self.ask(caller, method, f"/api/2.0/mlflow/{call}", fields)
        assert answer.status == 200, (call, answer)
        return answer.body


@dataclass(frozen=True)
class _As:
    app: App
    caller: Caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[CALLER] = self.caller
        await self.app(scope, receive, send)


def world() -> tuple[Server, Team, Team]:
    """A server with an open and a closed team."""
    server = Server(open_platform(Settings(provider="memory")))
    return server, _team(server, "open", "plain"), _team(server, "closed", CANARY)


def _team(server: Server, name: str, word: str) -> Team:
    tags = [{"key": word, "value": word}]

    def post(call: str, **fields: object) -> dict:
        return server.done(ROOT, "POST", call, **fields)

    experiment_id = post("experiments/create", name=name, tags=tags)["experiment_id"]
    run = post("runs/create", experiment_id=experiment_id, run_name=word, tags=tags)["run"]
    run_id = run["info"]["run_id"]
    metrics = [{"key": word, "value": 0.5, "timestamp": 1, "step": step} for step in range(3)]
    post("runs/log-batch", run_id=run_id, metrics=metrics, params=tags, tags=tags)
    dataset = {"name": word, "digest": word, "source_type": word, "source": word}
    post("runs/log-inputs", run_id=run_id, datasets=[{"tags": tags, "dataset": dataset}])
    logged = post("logged-models", experiment_id=experiment_id, name=word, source_run_id=run_id, tags=tags, params=tags)
    model_id = logged["model"]["info"]["model_id"]
    team = Team(name, experiment_id, run_id, model_id, f"{name}-model")
    for path in (team.path, team.model_path):
        server.ask(ROOT, "PUT", f"/api/2.0/mlflow-artifacts/artifacts/{path}", data=word.encode())
    post("registered-models/create", name=team.model, description=word, tags=tags)
    version = {"name": team.model, "source": team.source, "run_id": run_id, "description": word, "tags": tags}
    post("model-versions/create", **version)
    return team


def told_in(answer: Answered) -> str:
    """All that an answer tells, also what its page tokens hide."""
    found = answer.text
    if answer.content_type == "application/json":
        token = answer.body.get("next_page_token") if isinstance(answer.body, dict) else None
        if token:
            found += base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("latin-1")
    return found
