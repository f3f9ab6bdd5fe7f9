"""A world of two teams. Every word that the closed one has logged is `canary`; who reads none of it never sees that.

Everything was logged over the protocol itself, by somebody who may do everything.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlencode

import pytest

from adapters import open_platform
from functions.asgi import ALONE, App, Message
from functions.callers import CALLER, Caller
from functions.tracking.app import create_app
from loopwright.definitions import Access, Grant, Project
from loopwright.ports import Platform
from loopwright.settings import Settings
from tests.airport.caller import Answered

CANARY: Final = "canary"

VALUE: Final = 0.4242
"""Of all metrics of the closed team."""

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
        body = data if query else json.dumps(fields or {}).encode()
        asked = urlencode(fields or {}, doseq=True) if query else ""
        return answered(self.app, caller, method, quote(path), asked, body)

    def done(self, caller: Caller, method: str, call: str, **fields: object) -> dict:
        """What a call of the protocol answers, which must be that it is done."""
        answer = self.ask(caller, method, f"/api/2.0/mlflow/{call}", fields)
        assert answer.status == 200, (call, answer)
        return answer.body


def answered(app: App, caller: Caller, method: str, path: str, query: str, body: bytes) -> Answered:
    """Ask as nobody else does at the moment: without an event loop, which takes longer than an answer."""
    scope = {
        "type": "http",
        "method": method,
        "path": unquote(path),
        "query_string": query.encode(),
        "headers": [],
        CALLER: caller,
        ALONE: True,
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(StopIteration):
        app(scope, receive, send).send(None)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    text = b"".join(one.get("body", b"") for one in sent[1:]).decode()
    return Answered(sent[0]["status"], headers["content-type"], text, headers)


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
    value = VALUE if word == CANARY else 0.5
    points = [{"key": key, "value": value, "timestamp": 1, "step": step} for key in ("loss", word) for step in (0, 1)]
    post("runs/log-batch", run_id=run_id, metrics=points, params=tags, tags=tags)
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


def tells(answer: Answered) -> bool:
    """Whether an answer has anything that the closed team logged, also behind a page token."""
    found = answer.text
    if answer.content_type == "application/json":
        token = answer.body.get("next_page_token") if isinstance(answer.body, dict) else None
        if token:
            found += base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode("latin-1")
    return CANARY in found or str(VALUE) in found
