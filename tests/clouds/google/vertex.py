"""Vertex AI as far as Google's own client calls it for custom jobs, Model Registry and Experiments (REST, v1).

Custom jobs run as executions do (`executions.Execution`); the rest is kept in memory: it is there to be looked at.
"""

import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tests.clouds.google.executions import Execution, now
from tests.clouds.google.front import Answer, Request, Service, refused, told
from tests.clouds.google.vertex_models import Models, missing

_OURS: Final = re.compile(r"/v1/(projects/[^/]+/locations/[^/]+)/((?:customJobs|models|metadataStores)(?:[/:].*)?)")
_CUSTOM: Final = re.compile(r"customJobs(?:/(\d+)(?::(\w+))?)?")
_MODEL: Final = re.compile(r"models(?:/([^/:@]+)(?:@([^/:]+))?)?(?::(\w+))?")
_STORE: Final = re.compile(r"metadataStores(?:/(\w+))?")
_NODES: Final = re.compile(r"metadataStores/(\w+)/(contexts|artifacts|executions)(?:/([^/:]+)(?::(\w+))?)?")
_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,127}")


class Vertex(Service):
    """What there is in all projects."""

    def __init__(self, folder: Path) -> None:
        """Begin with nothing; output of custom jobs is in `vertex/` of the folder."""
        self._folder = folder / "vertex"
        self._folder.mkdir(exist_ok=True)
        self._jobs: dict[str, tuple[dict[str, Any], Execution]] = {}
        self._models = Models()
        self._stores: dict[str, dict[str, Any]] = {}
        self._nodes: dict[str, dict[str, Any]] = {}

    def takes(self, request: Request) -> bool:
        """Return whether it is about Vertex AI."""
        return bool(_OURS.fullmatch(request.path))

    def answer(self, request: Request) -> Answer:
        """Answer."""
        found = _OURS.fullmatch(request.path)
        if found is None:
            return missing(request.path)
        parent, rest = found[1], found[2]
        if one := _CUSTOM.fullmatch(rest):
            return self._custom(parent, one[1], one[2], request)
        if one := _MODEL.fullmatch(rest):
            return self._models.answer(parent, one[1], one[2], one[3], request)
        if one := _NODES.fullmatch(rest):
            return self._node(f"{parent}/metadataStores/{one[1]}", one[2], one[3], one[4], request)
        if one := _STORE.fullmatch(rest):
            return self._store(parent, one[1], request)
        return missing(request.path)

    def close(self) -> None:
        """End what still runs."""
        for _, execution in self._jobs.values():
            execution.cancel()
        for _, execution in self._jobs.values():
            execution.wait()

    def _custom(self, parent: str, number: str | None, verb: str | None, request: Request) -> Answer:
        if number is None and request.method == "POST":
            return self._create(parent, request.json())
        if number is None:
            return told({"customJobs": [_custom_state(*one) for one in self._jobs.values()]})
        name = f"{parent}/customJobs/{number}"
        if name not in self._jobs:
            return missing(name)
        if (request.method, verb) == ("POST", "cancel"):
            self._jobs[name][1].cancel()
            return told({})
        return told(_custom_state(*self._jobs[name]))

    def _create(self, parent: str, body: dict[str, Any]) -> Answer:
        number = str(secrets.randbelow(10**18) + 10**17)
        name = f"{parent}/customJobs/{number}"
        (pool,) = body["jobSpec"]["workerPoolSpecs"]
        given, scheduling = pool["containerSpec"], body["jobSpec"].get("scheduling", {})
        container = {**given, "image": given["imageUri"]}
        task = {"containers": [container], "maxRetries": 0, "timeout": scheduling.get("timeout", "604800s")}
        like = {"name": name, "template": {"template": task}}
        execution = Execution(like, {}, self._folder, f"custom-{number}", {"CLOUD_ML_JOB_ID": number})
        job = {**body, "name": name, "createTime": now(), "startTime": now()}
        self._jobs[name] = (job, execution)
        return told(_custom_state(job, execution))

    def _store(self, parent: str, store: str | None, request: Request) -> Answer:
        if store is None:
            name = f"{parent}/metadataStores/{request.one('metadataStoreId')}"
            if name in self._stores:
                return refused(409, "ALREADY_EXISTS", name)
            self._stores[name] = {"name": name, "createTime": now()}
            return told({"name": f"{name}/operations/1", "done": True, "response": _typed("MetadataStore", name)})
        kept = self._stores.get(f"{parent}/metadataStores/{store}")
        return told(kept) if kept else missing(f"{parent}/metadataStores/{store}")

    def _node(self, store: str, kind: str, short: str | None, verb: str | None, request: Request) -> Answer:
        if store not in self._stores:
            return missing(store)
        if short is None:
            if request.method == "POST":
                return self._made(f"{store}/{kind}", request.one(f"{kind[:-1]}Id"), request.json())
            return told({kind: self._listed(f"{store}/{kind}", request.one("filter"))})
        name = f"{store}/{kind}/{short}"
        node = self._nodes.get(name)
        if node is None:
            return missing(name)
        match request.method, verb:
            case "GET", None:
                return told(node)
            case "PATCH", None:
                self._nodes[name] = {**node, **request.json(), "name": name, "updateTime": now(), "etag": _etag()}
                return told(self._nodes[name])
            case "POST", "addContextChildren":
                for child in request.json()["childContexts"]:
                    if child not in self._nodes:
                        return missing(child)
                    parents = self._nodes[child].setdefault("parentContexts", [])
                    parents += [name] if name not in parents else []
                return told({})
            case _:
                return refused(501, "UNIMPLEMENTED", f"{request.method} {verb} of {kind} is not played here")

    def _made(self, parent: str, short: str, body: dict[str, Any]) -> Answer:
        if not _ID.fullmatch(short):
            return refused(400, "INVALID_ARGUMENT", f"an id is [a-z0-9][a-z0-9-]{{0,127}}, not {short!r}")
        name = f"{parent}/{short}"
        if name in self._nodes:
            return refused(409, "ALREADY_EXISTS", name)
        self._nodes[name] = {**body, "name": name, "createTime": now(), "updateTime": now(), "etag": _etag()}
        return told(self._nodes[name])

    def _listed(self, parent: str, wanted: str) -> list[dict[str, Any]]:
        """Return what a filter takes, of the kinds that the client sends: by schema and by parent."""
        found = [one for name, one in self._nodes.items() if name.startswith(f"{parent}/")]
        if schemas := set(re.findall(r'schema_title="([^"]+)"', wanted)):
            found = [one for one in found if one.get("schemaTitle") in schemas]
        if above := re.search(r'parent_contexts:"([^"]+)"', wanted):
            found = [one for one in found if above[1] in one.get("parentContexts", ())]
        return found


def _custom_state(job: Mapping[str, Any], execution: Execution) -> dict[str, Any]:
    seen = execution.told()
    if "completionTime" not in seen:
        return {**job, "state": "JOB_STATE_RUNNING"}
    ended = {**job, "endTime": seen["completionTime"]}
    if seen.get("succeededCount"):
        return {**ended, "state": "JOB_STATE_SUCCEEDED"}
    if seen.get("cancelledCount"):
        return {**ended, "state": "JOB_STATE_CANCELLED"}
    return {**ended, "state": "JOB_STATE_FAILED", "error": {"code": 3, "message": seen["conditions"][0]["message"]}}


def _typed(kind: str, name: str) -> dict[str, str]:
    return {"@type": f"type.googleapis.com/google.cloud.aiplatform.v1.{kind}", "name": name}


def _etag() -> str:
    return secrets.token_hex(8)


def start(folder: Path) -> Service:
    """Return the service."""
    return Vertex(folder)
