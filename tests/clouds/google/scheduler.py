"""Cloud Scheduler: calls over HTTP when it is time, by a token of the account that a job names; at once if told `run`.

What of them comes to nothing is written as a log entry, and goes where the sinks of the project want such entries.
Source: "Cron job format and time zone" and REST reference, Cloud Scheduler.
"""

import json
import re
import threading
import time
import urllib.error
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from tests.clouds.google.executions import now, seconds
from tests.clouds.google.front import Answer, Request, Service, refused, told
from tests.clouds.google.here import here
from tests.clouds.google.ledger import Json, Ledger, ledger_of
from tests.clouds.google.oidc import Signer

_VERB: Final = re.compile(r"(/v1/projects/[^/]+/locations/[^/]+/jobs/[^/:]+):(run|pause|resume)")
_JOB: Final = re.compile(r"/v1/projects/[^/]+/locations/[^/]+/jobs/[^/]+")
_FIELDS: Final = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MINUTE: Final = 60
_AGENT: Final = "Google-Cloud-Scheduler"


class Scheduler(Service):
    """Runs the jobs that `resources` keeps."""

    def __init__(self, folder: Path) -> None:
        """Begin to look at the time."""
        self._ledger, self._signer, self._here = ledger_of(folder), Signer(folder), here(folder)
        self._over = threading.Event()
        threading.Thread(target=self._tick, daemon=True).start()

    @override
    def takes(self, request: Request) -> bool:
        return request.method == "POST" and bool(_VERB.fullmatch(request.path))

    @override
    def answer(self, request: Request) -> Answer:
        found = _VERB.fullmatch(request.path)
        if found is None or found[1] not in self._ledger.things:
            return refused(404, "NOT_FOUND", request.path)
        path, verb = found.groups()
        job = self._ledger.things[path]
        if verb != "run":
            job["state"] = "PAUSED" if verb == "pause" else "ENABLED"
        else:
            threading.Thread(target=self._run, args=(job,), daemon=True).start()
        return told(job)

    @override
    def close(self) -> None:
        """Look no more."""
        self._over.set()

    def _tick(self) -> None:
        last = int(time.time()) // _MINUTE
        while not self._over.wait(0.5):
            minute = int(time.time()) // _MINUTE
            if minute == last:
                continue
            last = minute
            for job in jobs(self._ledger):
                if job.get("state") == "ENABLED" and due(job["schedule"], datetime.fromtimestamp(minute * 60, UTC)):
                    threading.Thread(target=self._run, args=(job,), daemon=True).start()

    def _run(self, job: Json) -> None:
        """Call what a job calls, until it works or its attempts are used up."""
        retry = job.get("retryConfig", {})
        pause, longest = (
            seconds(retry.get("minBackoffDuration", "5s")),
            seconds(retry.get("maxBackoffDuration", "3600s")),
        )
        status: int = 0
        for attempt in range(int(retry.get("retryCount", 0)) + 1):
            if attempt and self._over.wait(min(pause * 2 ** (attempt - 1), longest)):
                return
            status = call(job, self._signer)
            job |= {"lastAttemptTime": now(), "status": {"code": 0 if status < 300 else 2, "message": str(status)}}
            if status < 300:
                return
        write(self._ledger, self._here.endpoint, job, status)


def jobs(ledger: Ledger) -> list[Json]:
    """Return all jobs."""
    with ledger.lock:
        return [thing for path, thing in ledger.things.items() if _JOB.fullmatch(path)]


def due(schedule: str, at: datetime) -> bool:
    """Return whether a schedule, five fields as cron has them, names this minute."""
    now_ = (at.minute, at.hour, at.day, at.month, at.isoweekday() % 7)
    fits = [
        value in _named(field, low, high)
        for value, field, (low, high) in zip(now_, schedule.split(), _FIELDS, strict=True)
    ]
    days = fits[2] or fits[4] if "*" not in (schedule.split()[2], schedule.split()[4]) else fits[2] and fits[4]
    return fits[0] and fits[1] and fits[3] and days


def _named(field: str, low: int, high: int) -> set[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("-".join(map(str, (low, high))) if span == "*" else span).partition("-")
        end = int(last) if last else high if step else int(first)
        found.update(range(int(first), end + 1, int(step or 1)))
    return found


def call(job: Mapping[str, Any], signer: Signer) -> int:
    """Make a job's call once, and return the status; 0: nobody answered."""
    target = job["httpTarget"]
    headers = {"User-Agent": _AGENT, "X-CloudScheduler": "true", **target.get("headers", {})}
    if account := target.get("oidcToken"):
        audience = account.get("audience") or target["uri"]
        token = signer.token(audience=audience, email=account["serviceAccountEmail"])
        headers["Authorization"] = f"Bearer {token}"
    body = b64decode(target.get("body", ""))
    request = urllib.request.Request(target["uri"], body, headers, method=target.get("httpMethod", "POST"))  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=seconds(job.get("attemptDeadline", "180s"))) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def write(ledger: Ledger, endpoint: str, job: Mapping[str, Any], status: int) -> None:
    """Write the log entry of a call that came to nothing to the topics of the sinks that want it."""
    project, name = job["name"].split("/")[1], job["name"].rpartition("/")[2]
    entry = {
        "severity": "ERROR",
        "resource": {"type": "cloud_scheduler_job", "labels": {"job_id": name, "project_id": project}},
        "httpRequest": {"status": status},
        "jsonPayload": {"jobName": job["name"], "url": job["httpTarget"]["uri"]},
        "timestamp": now(),
    }
    for sink in ledger.under(f"/v2/projects/{project}/sinks"):
        topic = sink["destination"].removeprefix("pubsub.googleapis.com/")
        wanted = 'resource.type="cloud_scheduler_job"' in sink["filter"] and f'"{name}"' in sink["filter"]
        if topic != sink["destination"] and wanted:
            messages = {"messages": [{"data": b64encode(json.dumps(entry).encode()).decode()}]}
            where = f"{endpoint}/v1/{topic}:publish"
            request = urllib.request.Request(where, json.dumps(messages).encode(), method="POST")  # noqa: S310 - ours
            with urllib.request.urlopen(request, timeout=10):  # noqa: S310
                pass


def start(folder: Path) -> Scheduler:
    """Return the service."""
    return Scheduler(folder)
