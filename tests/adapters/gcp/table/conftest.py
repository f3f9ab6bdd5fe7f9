import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from adapters.gcp.place import GcpPlace
from adapters.gcp.table import FirestoreTable
from adapters.memory.blobs import MemoryBlobs
from tests.clouds.google.faulty import Faulty, faulty, impatient
from tests.clouds.google.world import google
from tests.clouds.tools import MissingToolError


@pytest.fixture
def endpoint() -> str:
    try:
        return google("firestore")
    except MissingToolError as error:
        pytest.skip(f"Firestore is not to be had: {error}")


@pytest.fixture
def place() -> GcpPlace:
    return GcpPlace("project", "europe-west3", "bucket", f"t{secrets.token_hex(6)}", "queues")


@pytest.fixture
def firestore(endpoint: str) -> Iterator[Faulty]:
    with faulty(endpoint) as started:
        yield started


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs(lambda: 0.0)


@contextmanager
def opened(place: GcpPlace, endpoint: str, blobs: MemoryBlobs) -> Iterator[FirestoreTable]:
    api = impatient(endpoint)
    yield FirestoreTable(api, place, blobs, lambda: 0.0, sleep=lambda _: None)
    api.close()


@pytest.fixture
def table(place: GcpPlace, firestore: Faulty, blobs: MemoryBlobs) -> Iterator[FirestoreTable]:
    """A table whose calls may go wrong."""
    with opened(place, firestore.url, blobs) as made:
        yield made


@pytest.fixture
def others(place: GcpPlace, endpoint: str, blobs: MemoryBlobs) -> Iterator[FirestoreTable]:
    """The same table, as others see it."""
    with opened(place, endpoint, blobs) as made:
        yield made
