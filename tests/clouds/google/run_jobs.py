"""Jobs of Cloud Run: made, changed, run and deleted over the Admin API v2; what they run is `executions.Execution`.

Source: REST reference of the Cloud Run Admin API v2, `projects.locations.jobs`, its `executions`, and `operations`.
"""

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from tests.clouds.google import images
from tests.clouds.google.executions import Execution, now
from tests.clouds.google.front import Answer, Request, Service, refused, told

_JOBS: Final = re.compile(r"/v2/(projects/[^/]+/locations/[^/]+)/jobs(/.*|:.*)?")
_JOB: Final = re.compile(r"/([^/:]+)(?::(\w+))?")
_EXECUTION: Final = re.compile(r"/([^/:]+)/executions(?:/([^/:]+)(?::(\w+))?)?")
_OPERATION: Final = re.compile(r"/v2/(projects/[^/]+/locations/[^/]+/operations/job-[^/]+)")
_IMAGE: Final = "/_local/images/"
"""Not Google's: where a test tells what an image is on this machine."""

_NAME: Final = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
_TYPE: Final = "type.googleapis.com/google.cloud.run.v2."
_GIVEN: Final = frozenset({"name", "uid", "etag", "generation", "createTime", "updateTime", "terminalCondition"})


class RunJobs(Service):
    """The jobs of all projects, as long as the front lives; output of executions is in `run/` of its folder."""

    def __init__(self, folder: Path) -> None:
        """Begin with none."""
        self._folder = folder / "run"
        self._folder.mkdir(exist_ok=True)
        self._jobs: dict[str, dict[str, Any]] = {}
        self._executions: dict[str, Execution] = {}
        self._operations: dict[str, Callable[[], dict[str, Any]]] = {}

    def takes(self, request: Request) -> bool:
        """Return whether it is about jobs of Cloud Run."""
        if request.path.startswith(_IMAGE):
            return True
        return bool(_JOBS.fullmatch(request.path) or _OPERATION.fullmatch(request.path))

    def answer(self, request: Request) -> Answer:
        """Answer."""
        if request.path.startswith(_IMAGE):
            images.put(self._folder.parent, unquote(request.path.removeprefix(_IMAGE)), images.Image(**request.json()))
            return told({})
        if found := _OPERATION.fullmatch(request.path):
            operation = self._operations.get(found[1])
            return told(operation()) if operation else _missing(found[1])
        found = _JOBS.fullmatch(request.path)
        if found is None:
            return _missing(request.path)
        parent, rest = found[1], found[2] or ""
        if not rest:
            return self._create(parent, request) if request.method == "POST" else self._list(parent)
        if one := _EXECUTION.fullmatch(rest):
            return self._execution(f"{parent}/jobs/{one[1]}", one[2], one[3], request)
        if one := _JOB.fullmatch(rest):
            return self._job(f"{parent}/jobs/{one[1]}", one[2], request)
        return _missing(request.path)

    def close(self) -> None:
        """End what still runs."""
        for execution in self._executions.values():
            execution.cancel()
        for execution in self._executions.values():
            execution.wait()

    def _list(self, parent: str) -> Answer:
        return told({"jobs": [one for name, one in self._jobs.items() if name.startswith(f"{parent}/")]})

    def _create(self, parent: str, request: Request) -> Answer:
        short = request.one("jobId")
        name = f"{parent}/jobs/{short}"
        if not _NAME.fullmatch(short):
            return refused(400, "INVALID_ARGUMENT", f"job_id: {short!r}")
        if name in self._jobs:
            return refused(409, "ALREADY_EXISTS", f"Resource '{short}' already exists.")
        return self._kept(name, request.json(), {"uid": secrets.token_hex(8), "createTime": now(), "generation": "1"})

    def _job(self, name: str, verb: str | None, request: Request) -> Answer:
        job = self._jobs.get(name)
        if job is None:
            return _missing(name)
        match request.method, verb:
            case "GET", None:
                return told(job)
            case "PATCH", None:
                changed = {"generation": str(int(job["generation"]) + 1)}
                return self._kept(name, request.json(), {key: job[key] for key in ("uid", "createTime")} | changed)
            case "DELETE", None:
                del self._jobs[name]
                return self._operation(name, lambda: {"done": True, "response": {**job, "@type": f"{_TYPE}Job"}}, job)
            case "POST", "run":
                return self._run(job, request.json().get("overrides", {}))
            case _:
                return refused(501, "UNIMPLEMENTED", f"{request.method} {verb} of a job is not played here")

    def _kept(self, name: str, body: dict[str, Any], own: dict[str, Any]) -> Answer:
        """Keep a job; one whose token to run it has changed is not ready before that execution has ended."""
        before = self._jobs.get(name, {})
        job = {**{key: one for key, one in body.items() if key not in _GIVEN}, **own, "name": name}
        job |= {"updateTime": now(), "etag": f'"{secrets.token_hex(8)}"', "observedGeneration": own["generation"]}
        job["terminalCondition"] = {"type": "Ready", "state": "CONDITION_SUCCEEDED"}
        self._jobs[name] = job
        waits = self._started_by_token(job, before)
        if waits:
            return self._operation(name, lambda: _ready(job, waits), job)
        return self._operation(name, lambda: {"done": True, "response": {**job, "@type": f"{_TYPE}Job"}}, job)

    def _started_by_token(self, job: dict[str, Any], before: dict[str, Any]) -> Execution | None:
        """Start an execution if a token says so, and return the one that the job waits for."""
        for field in ("startExecutionToken", "runExecutionToken"):
            token = job.get(field)
            if token and token != before.get(field):
                execution = self._started(job, {}, f"{job['name'].rpartition('/')[2]}-{token}")
                return execution if field == "runExecutionToken" else None
        return None

    def _run(self, job: dict[str, Any], overrides: dict[str, Any]) -> Answer:
        execution = self._started(job, overrides)

        def state() -> dict[str, Any]:
            seen = execution.told()
            done = "completionTime" in seen
            return {"done": done} | ({"response": {**seen, "@type": f"{_TYPE}Execution"}} if done else {})

        return self._operation(job["name"], state, {**execution.told(), "@type": f"{_TYPE}Execution"})

    def _started(self, job: dict[str, Any], overrides: dict[str, Any], name: str = "") -> Execution:
        execution = Execution(job, overrides, self._folder, name)
        self._executions[execution.told()["name"]] = execution
        job["latestCreatedExecution"] = {"name": execution.name, "createTime": now()}
        job["executionCount"] = job.get("executionCount", 0) + 1
        return execution

    def _execution(self, job: str, short: str | None, verb: str | None, request: Request) -> Answer:
        if short is None:
            names = [name for name in reversed(self._executions) if name.startswith(f"{job}/")]
            return told({"executions": [self._executions[name].told() for name in names]})
        name = f"{job}/executions/{short}"
        execution = self._executions.get(name)
        if execution is None:
            return _missing(name)
        match request.method, verb:
            case "GET", None:
                return told(execution.told())
            case "POST", "cancel":
                execution.cancel()
            case "DELETE", None:
                execution.cancel()
                del self._executions[name]
            case _:
                return refused(501, "UNIMPLEMENTED", f"{request.method} {verb} of an execution is not played here")
        return self._operation(job, lambda: {"done": True, "response": execution.told()}, execution.told())

    def _operation(self, of: str, state: Callable[[], dict[str, Any]], metadata: dict[str, Any]) -> Answer:
        name = f"{of.rpartition('/jobs/')[0]}/operations/job-{secrets.token_hex(8)}"

        def operation() -> dict[str, Any]:
            return {"name": name, "metadata": metadata, **state()}

        self._operations[name] = operation
        return told(operation())


def _ready(job: dict[str, Any], execution: Execution) -> dict[str, Any]:
    """Return how an operation stands that waits for an execution."""
    seen = execution.told()
    if "completionTime" not in seen:
        return {"done": False}
    if seen.get("succeededCount"):
        return {"done": True, "response": {**job, "@type": f"{_TYPE}Job"}}
    return {"done": True, "error": {"code": 9, "message": seen["conditions"][0]["message"]}}


def _missing(name: str) -> Answer:
    return refused(404, "NOT_FOUND", f"Resource '{name}' was not found.")


def start(folder: Path) -> Service:
    """Return the service."""
    return RunJobs(folder)
