"""Our tracking function behind a real HTTP server, in a thread of this process, over any provider's world."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import uvicorn

from adapters import open_platform
from functions.tracking.app import create_app, fronted
from loopwright.definitions import Project
from loopwright.ports import Platform
from loopwright.settings import Settings

PROJECT: Final = Project("notebooks", ())
"""A project without models: notebooks need none."""

_MEMORY: Final = Settings(provider="memory")
NOTHING_SAID: Final[Mapping[str, str]] = {}
"""About who may call: everybody."""

_PATIENCE: Final = 10.0


@contextmanager
def our_server(settings: Settings = _MEMORY, *, project: Project = PROJECT) -> Iterator[str]:
    """Yield the address of our tracking function; the platform is opened for it and closed with it."""
    platform = open_platform(settings)
    try:
        with served(platform, project) as url:
            yield url
    finally:
        platform.close()


@contextmanager
def served(
    platform: Platform, project: Project = PROJECT, environment: Mapping[str, str] = NOTHING_SAID
) -> Iterator[str]:
    """Yield the address of our tracking function over a platform that the test has opened itself.

    `environment`: what is said about who may call.
    """
    config = uvicorn.Config(
        fronted(create_app(platform, project), platform, environment),
        host="127.0.0.1",
        port=0,
        http="httptools",
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
    )
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="mlflow")
    thread.start()
    try:
        _wait(server)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
        listening.close()


def _wait(server: uvicorn.Server) -> None:
    limit = time.monotonic() + _PATIENCE
    while not server.started:
        assert time.monotonic() < limit, "our server did not come up"
        time.sleep(0.01)
