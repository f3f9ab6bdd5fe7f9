"""Ours and the stock server, each once a session. A test that needs a server of its own opens one itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mlflow.ours import our_server
from tests.mlflow.stock import stock_server


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a stock server on SQLite."""
    folder: Path = tmp_path_factory.mktemp("stock")
    with stock_server(folder) as url:
        yield url


@pytest.fixture
def ours() -> Iterator[str]:
    """The address of our tracking function, over a memory of its own."""
    with our_server() as url:
        yield url
