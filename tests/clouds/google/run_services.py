"""Services of Cloud Run: made, changed and deleted over the Admin API v2; what they run is `revisions.Revision`.

A change is another revision. It gets the requests when it is ready, and the one before it ends then; one that does not
become ready leaves everything as it was.
"""

import re
import secrets
import threading
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from tests.clouds.google.executions import now
from tests.clouds.google.front import Answer, Request, Service, refused, told
from tests.clouds.google.gate import Door, Gate
from tests.clouds.google.ledger import Json, Ledger, ledger_of
from tests.clouds.google.machines import Machines, machines_of
from tests.clouds.google.oidc import Signer
from tests.clouds.google.revisions import NotReadyError, Revision, Told
from tests.clouds.google.secret_versions import secret_text

_PATH: Final = re.compile(r"(/v2/(projects/[^/]+)/locations/[^/]+/services)(?:/([^/:]+))?")
_MACHINE: Final = "/_local/machines/"
"""Not Google's: where a person is told of the metadata server of an account, to call services as it does."""

_NAME: Final = re.compile(r"[a-z]([a-z0-9-]{0,47}[a-z0-9])?")
_GIVEN: Final = frozenset({"name", "uid", "etag", "createTime"})


class RunServices(Service):
    """The services of all projects; what they say is in `services/` of the front's folder."""

    def __init__(self, folder: Path, ledger: Ledger, machines: Machines) -> None:
        """Begin with none."""
        self._folder = folder / "services"
        self._folder.mkdir(exist_ok=True)
        self._ledger, self._machines, self._signer = ledger, machines, Signer(folder)
        self._lock = threading.Lock()
        self._gates: dict[str, Gate] = {}
        self._revisions: dict[str, Revision] = {}

    @override
    def takes(self, request: Request) -> bool:
        return _PATH.fullmatch(request.path) is not None or request.path.startswith(_MACHINE)

    @override
    def answer(self, request: Request) -> Answer:
        if request.path.startswith(_MACHINE):
            return told({"host": self._machines.host(request.path.removeprefix(_MACHINE))})
        found = _PATH.fullmatch(request.path)
        if found is None:
            return refused(404, "NOT_FOUND", request.path)
        collection, _, name = found.groups()
        if not name:
            return self._create(collection, request) if request.method == "POST" else self._list(collection)
        path = f"{collection}/{name}"
        known = self._ledger.things.get(path)
        if known is None:
            return refused(404, "NOT_FOUND", f"Resource '{name}' of kind 'SERVICE' does not exist.")
        match request.method:
            case "GET":
                return told(known)
            case "PATCH":
                return self._deployed(path, request.json(), known)
            case "DELETE":
                self._delete(path)
                return _done(path, {"response": {}})
            case _:
                return refused(405, "UNIMPLEMENTED", f"{request.method} {path}")

    @override
    def close(self) -> None:
        """End all that run."""
        stops = [threading.Thread(target=one.stop) for one in self._revisions.values()]
        for one in stops:
            one.start()
        for one in stops:
            one.join()
        for gate in self._gates.values():
            gate.close()
        self._machines.close()

    def _list(self, collection: str) -> Answer:
        return told({"services": self._ledger.under(collection)})

    def _create(self, collection: str, request: Request) -> Answer:
        name = request.one("serviceId")
        path = f"{collection}/{name}"
        if not _NAME.fullmatch(name):
            return refused(400, "INVALID_ARGUMENT", f"service_id: {name!r}")
        if path in self._ledger.things:
            return refused(409, "ALREADY_EXISTS", f"Resource '{name}' already exists.")
        return self._deployed(path, request.json(), {"uid": secrets.token_hex(8), "createTime": now()})

    def _deployed(self, path: str, asked: Json, known: Json) -> Answer:
        generation = int(known.get("generation", 0)) + 1
        before = self._revisions.get(path)
        gate = self._gate(path)
        try:
            if before is None or asked["template"] != known.get("template"):
                self._revisions[path] = self._started(path, asked["template"], generation)
        except NotReadyError as error:
            if before is None:
                self._delete(path)
            return _done(path, {"error": {"code": 9, "message": str(error)}})
        revision = self._revisions[path]
        gate.door = Door(frozenset(asked.get("customAudiences", ())), open=bool(asked.get("invokerIamDisabled")))
        gate.backend = revision.backend
        if before and before is not revision:
            threading.Thread(target=before.stop, daemon=True).start()
        service = {name: value for name, value in asked.items() if name not in _GIVEN} | {
            "name": path.split("/", 2)[2],
            "uid": known["uid"],
            "createTime": known["createTime"],
            "generation": str(generation),
            "uri": gate.url,
            "urls": [gate.url],
            "latestReadyRevision": f"{path.split('/', 2)[2]}/revisions/{revision.name}",
            "terminalCondition": {"type": "Ready", "state": "CONDITION_SUCCEEDED"},
        }
        self._ledger.things[path] = service
        return _done(path, {"response": service})

    def _gate(self, path: str) -> Gate:
        with self._lock:
            if path not in self._gates:
                self._gates[path] = Gate(path, self._ledger, self._signer)
            return self._gates[path]

    def _started(self, path: str, template: Json, generation: int) -> Revision:
        project, name = path.split("/")[3], path.rpartition("/")[2]
        account = template["serviceAccount"]
        if f"/v1/projects/{project}/serviceAccounts/{account}" not in self._ledger.things:
            raise NotReadyError(f"Service account {account} does not exist.")

        def secret(named: str, version: str) -> str:
            return secret_text(self._ledger, f"/v1/projects/{project}/secrets/{named}", version, by=account)

        number = f"{generation:05}-{secrets.token_hex(2)[:3]}"
        known = Told(name, f"{name}-{number}", self._machines.host(account), secret)
        return Revision(template, known, self._folder)

    def _delete(self, path: str) -> None:
        revision, gate = self._revisions.pop(path, None), self._gates.pop(path, None)
        if gate:
            gate.close()
        if revision:
            threading.Thread(target=revision.stop, daemon=True).start()
        self._ledger.forget(path)


def _done(path: str, how: dict[str, Any]) -> Answer:
    parent = path.split("/", 2)[2].rpartition("/services/")[0]
    return told({"name": f"{parent}/operations/{secrets.token_hex(8)}", "done": True, **how})


def start(folder: Path) -> RunServices:
    """Return the service."""
    return RunServices(folder, ledger_of(folder), machines_of(folder))
