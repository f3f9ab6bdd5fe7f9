"""Executions of Cloud Run jobs: the container's own command as a process of this machine, with its own variables.

Source: "Container runtime contract", Cloud Run: the variables of a job, and SIGTERM ten seconds before SIGKILL.
"""

import os
import secrets
import signal
import subprocess
import threading
from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tests.clouds.google import images
from tests.clouds.google.machines import machines_of

GRACE: Final = 10.0
_TIMEOUT: Final = 600.0
_RETRIES: Final = 3
"""How often a task is tried again where the job does not say."""


class Execution:
    """One execution: its tasks run one after another, each until it works or its tries are used up."""

    def __init__(
        self,
        job: Mapping[str, Any],
        overrides: Mapping[str, Any],
        folder: Path,
        name: str = "",
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Begin at once; `name` is made up where none is given.

        Its containers have these variables; absent: those by which Cloud Run tells them who they are.
        """
        self._folder = folder
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        short = job["name"].rpartition("/")[2]
        template = deepcopy(job["template"])
        self._tasks = overrides.get("taskCount", template.get("taskCount", 1))
        self._template = _with(template["template"], overrides)
        self.name = name or f"{short}-{secrets.token_hex(3)}"
        self._told: dict[str, Any] = {
            "name": f"{job['name']}/executions/{self.name}",
            "uid": secrets.token_hex(8),
            "job": job["name"],
            "createTime": now(),
            "startTime": now(),
            "taskCount": self._tasks,
            "template": self._template,
            "runningCount": 1,
            "conditions": [{"type": "Completed", "state": "CONDITION_RECONCILING"}],
        }
        self._variables = variables
        self._short = short
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def log(self) -> Path:
        """What its containers say."""
        return self._folder / f"{self.name}.log"

    def told(self) -> dict[str, Any]:
        """Return the resource."""
        with self._lock:
            return deepcopy(self._told)

    def cancel(self) -> None:
        """End it, whatever it does."""
        self._cancelled.set()
        if self._process:
            _signal(self._process, signal.SIGTERM)

    def wait(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def _run(self) -> None:
        failed, why = 0, ""
        for task in range(self._tasks):
            why = self._tried(task)
            failed += bool(why)
        with self._lock:
            counts = {"succeededCount": self._tasks - failed, "failedCount": failed, "runningCount": 0}
            if self._cancelled.is_set():
                counts |= {"cancelledCount": failed, "failedCount": 0}
            state = "CONDITION_FAILED" if failed else "CONDITION_SUCCEEDED"
            condition = {"type": "Completed", "state": state, "message": why, "lastTransitionTime": now()}
            self._told |= {**counts, "completionTime": now(), "conditions": [condition]}

    def _tried(self, task: int) -> str:
        why = ""
        for attempt in range(self._template.get("maxRetries", _RETRIES) + 1):
            why = self._attempt(task, attempt)
            if not why or self._cancelled.is_set():
                break
        return why

    def _attempt(self, task: int, attempt: int) -> str:
        """Return why a task failed, or nothing."""
        (container,) = self._template["containers"]
        try:
            image = images.find(self._folder.parent, container["image"])
            variables = {**image.variables(container), **self._own(task, attempt)}
            if account := self._template.get("serviceAccount"):
                variables["GCE_METADATA_HOST"] = machine = machines_of(self._folder.parent).host(account)
                variables["LOOPWRIGHT_GCP_ENDPOINT"] = f"http://{machine}"
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    image.words(container),
                    cwd=image.folder,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except (LookupError, ValueError, OSError) as error:
            return str(error)
        return self._end(self._process)

    def _own(self, task: int, attempt: int) -> Mapping[str, str]:
        if self._variables is not None:
            return self._variables
        return {
            "CLOUD_RUN_JOB": self._short,
            "CLOUD_RUN_EXECUTION": self.name,
            "CLOUD_RUN_TASK_INDEX": str(task),
            "CLOUD_RUN_TASK_ATTEMPT": str(attempt),
            "CLOUD_RUN_TASK_COUNT": str(self._tasks),
        }

    def _end(self, process: subprocess.Popen[bytes]) -> str:
        timeout = seconds(self._template.get("timeout", f"{_TIMEOUT}s"))
        if self._cancelled.is_set():
            _signal(process, signal.SIGTERM)
        over = threading.Timer(timeout, _signal, (process, signal.SIGTERM))
        over.start()
        code = None
        while code is None:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(0.05)
            if code is None and (self._cancelled.is_set() or not over.is_alive()):
                code = _killed(process)
        timed_out = not over.is_alive()
        over.cancel()
        if self._cancelled.is_set():
            return "Execution cancelled."
        if timed_out:
            return f"The configured timeout was reached: {timeout:g} s."
        return f"The container exited with an error: exit({code})." if code else ""


def _killed(process: subprocess.Popen[bytes]) -> int:
    with suppress(subprocess.TimeoutExpired):
        return process.wait(GRACE)
    _signal(process, signal.SIGKILL)
    return process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """A container's first process gets the signal; a kill takes all that it has started."""
    with suppress(ProcessLookupError):
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)


def _with(task: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task as it is overridden: arguments and variables by container, and the time."""
    for container, changed in zip(task["containers"], overrides.get("containerOverrides", ()), strict=False):
        if changed.get("args") or changed.get("clearArgs"):
            container["args"] = changed.get("args", [])
        names = {one["name"] for one in changed.get("env", ())}
        kept = [one for one in container.get("env", ()) if one["name"] not in names]
        container["env"] = [*kept, *changed.get("env", ())]
    return {**task, "timeout": overrides.get("timeout", task.get("timeout", f"{_TIMEOUT:g}s"))}


def seconds(duration: str) -> float:
    """Return a duration such as `3.5s`."""
    return float(duration.removesuffix("s"))


def now() -> str:
    """Return this moment."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
