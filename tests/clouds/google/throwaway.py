"""A throwaway place on a Google that runs on this machine."""

import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from adapters.gcp.api import Api, quoted
from adapters.gcp.place import GcpPlace
from adapters.gcp.replies import ServiceError
from adapters.gcp.tokens import Nobody
from adapters.gcp.topics import Topics, events_topic
from loopwright.ports.events import Subscription
from tests.clouds.tools import ROOT

PROJECT: Final = "loopwright-test"
REGION: Final = "europe-west3"

_NOTHING: Final[Mapping[str, str]] = {}


@contextmanager
def throwaway(endpoint: str, subscriptions: Sequence[Subscription]) -> Iterator[GcpPlace]:
    """Make what a stack makes, under names of its own."""
    name = f"t{secrets.token_hex(6)}"
    try:
        yield made(endpoint, name, subscriptions)
    finally:
        _forget_documents(endpoint, name)


def made(endpoint: str, name: str, subscriptions: Sequence[Subscription]) -> GcpPlace:
    """Make a bucket, the topic of events, the queues that it feeds, and a job that does nothing, under one name."""
    place = GcpPlace(PROJECT, REGION, name, name, name, endpoint=endpoint)
    api = Api("", endpoint=endpoint, tokens=Nobody())
    try:
        _make_bucket(api, name)
        api.call("PUT", f"/v1/projects/{PROJECT}/topics/{events_topic(place)}", {})
        topics = Topics(api, place, subscriptions)
        for queue in sorted({each.queue for each in subscriptions}):
            topics.make(queue)
        job = job_made(api, f"{name}-jobs", ["true"])
    finally:
        api.close()
    return replace(place, job=job)


def job_made(api: Api, name: str, command: Sequence[str], environment: Mapping[str, str] = _NOTHING) -> str:
    """Make a Cloud Run job of an image that has this repository and its interpreter, and return the job's name."""
    image = image_made(api, f"{REGION}-docker.pkg.dev/{PROJECT}/{name}", command)
    container = {"image": image, "env": [{"name": key, "value": value} for key, value in environment.items()]}
    task = {"containers": [container], "maxRetries": 0, "timeout": "86400s"}
    where = f"/v2/projects/{PROJECT}/locations/{REGION}/jobs"
    api.call("POST", where, {"template": {"taskCount": 1, "template": task}}, query={"jobId": name})
    return name


def image_made(api: Api, name: str, command: Sequence[str]) -> str:
    """Make an image known that has this repository and its interpreter, and return its name."""
    image = {"folder": str(ROOT), "python": sys.executable, "command": list(command)}
    api.call("PUT", f"/_local/images/{quoted(name)}", image)
    return name


def bucket_made(endpoint: str) -> GcpPlace:
    """Make a place of nothing but a bucket, under a name of its own."""
    name = f"t{secrets.token_hex(6)}"
    api = Api("", endpoint=endpoint, tokens=Nobody())
    try:
        _make_bucket(api, name)
    finally:
        api.close()
    return GcpPlace(PROJECT, REGION, name, name, name, endpoint=endpoint)


def _make_bucket(api: Api, name: str) -> None:
    api.call("POST", "/storage/v1/b", {"name": name, "location": REGION}, query={"project": PROJECT})


def _forget_documents(endpoint: str, database: str) -> None:
    """Free the memory that a database takes; a database itself is there as soon as it is named."""
    api = Api("", endpoint=endpoint, tokens=Nobody())
    try:
        api.call("DELETE", f"/emulator/v1/projects/{PROJECT}/databases/{database}/documents")
    except ServiceError as error:
        # A Google that was started without Firestore has nothing to forget.
        if error.code != "UNIMPLEMENTED":
            raise
    finally:
        api.close()
