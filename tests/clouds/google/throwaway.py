"""A throwaway place on a Google that runs on this machine."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from adapters.gcp.api import Api
from adapters.gcp.place import GcpPlace
from adapters.gcp.replies import ServiceError
from adapters.gcp.tokens import Nobody
from loopwright.ports.events import Subscription

PROJECT: Final = "loopwright-test"
REGION: Final = "europe-west3"


@contextmanager
def throwaway(endpoint: str, subscriptions: Sequence[Subscription]) -> Iterator[GcpPlace]:
    """Make what a stack makes, under names of its own."""
    name = f"t{secrets.token_hex(6)}"
    try:
        yield made(endpoint, name, subscriptions)
    finally:
        _forget_documents(endpoint, name)


def made(endpoint: str, name: str, subscriptions: Sequence[Subscription]) -> GcpPlace:
    """Make a bucket, all under one name."""
    api = Api("", endpoint=endpoint, tokens=Nobody())
    try:
        api.call("POST", "/storage/v1/b", {"name": name, "location": REGION}, query={"project": PROJECT})
    finally:
        api.close()
    return GcpPlace(PROJECT, REGION, name, name, name, endpoint=endpoint)


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
