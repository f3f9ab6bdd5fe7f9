from collections.abc import Iterator
from dataclasses import replace

import pytest

from adapters.gcp.api import Clients
from adapters.gcp.place import GcpPlace
from adapters.gcp.signing import MachineSigner
from adapters.gcp.tokens import Nobody
from tests.adapters.gcp.seen import Seen
from tests.clouds.google.throwaway import bucket_made
from tests.clouds.google.world import google
from tests.clouds.losing import Losses, losing
from tests.clouds.tools import MissingToolError


@pytest.fixture
def losses() -> Losses:
    return Losses()


@pytest.fixture
def straight() -> GcpPlace:
    """A bucket on a Google of this machine."""
    try:
        endpoint = google("accounts", "storage")
    except MissingToolError as error:
        pytest.skip(f"Google is not to be had: {error}")
    return bucket_made(endpoint)


@pytest.fixture
def place(straight: GcpPlace, losses: Losses) -> Iterator[GcpPlace]:
    """The same bucket, and a way there that loses answers."""
    with losing(straight.endpoint, losses) as way:
        yield replace(straight, endpoint=way)


@pytest.fixture
def clients(place: GcpPlace) -> Iterator[Clients]:
    opened = Clients(Nobody(), endpoint=place.endpoint)
    yield opened
    opened.close()


@pytest.fixture
def straight_clients(straight: GcpPlace) -> Iterator[Clients]:
    opened = Clients(Nobody(), endpoint=straight.endpoint)
    yield opened
    opened.close()


@pytest.fixture
def signer(clients: Clients, place: GcpPlace) -> MachineSigner:
    return MachineSigner(place.endpoint.removeprefix("http://"), clients.api)


@pytest.fixture
def seen(straight: GcpPlace) -> Seen:
    """The bucket, looked at from outside."""
    return Seen(straight)
