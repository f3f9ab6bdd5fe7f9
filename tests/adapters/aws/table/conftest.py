from collections.abc import Iterator

import pytest

from adapters.aws.place import AwsPlace
from adapters.aws.table import DynamoTable
from adapters.memory.blobs import MemoryBlobs
from tests.clouds.aws import moto, throwaway
from tests.clouds.faulty import Faulty, faulty, impatient


@pytest.fixture
def place() -> Iterator[AwsPlace]:
    with throwaway(moto(), ()) as made:
        yield made


@pytest.fixture
def aws() -> Iterator[Faulty]:
    with faulty(moto()) as started:
        yield started


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs(lambda: 0.0)


def opened(place: AwsPlace, endpoint: str, blobs: MemoryBlobs) -> DynamoTable:
    return DynamoTable(impatient("dynamodb", endpoint), place.table, blobs, lambda: 0.0, sleep=lambda _: None)


@pytest.fixture
def table(place: AwsPlace, aws: Faulty, blobs: MemoryBlobs) -> DynamoTable:
    """A table whose calls may go wrong."""
    return opened(place, aws.url, blobs)


@pytest.fixture
def others(place: AwsPlace, blobs: MemoryBlobs) -> DynamoTable:
    """The same table, as others see it."""
    return opened(place, moto(), blobs)
