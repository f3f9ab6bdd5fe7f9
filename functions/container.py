"""One function in a container: `python -m functions.container NAME`.

It serves `functions.NAME.main:app` on the port that `PORT` names. A termination signal ends it in order: requests in
flight are answered, what was measured is written, and the process ends with 0.
"""

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from functions.access import Access, Auth
from loopwright.errors import DefinitionError, LoopwrightError

if TYPE_CHECKING:
    import uvicorn

    from functions.asgi import App

_GRACE: Final = 8
"""Seconds for what is in flight: Cloud Run kills ten seconds after its signal, and what was measured is written too."""

_KEEP: Final = 75
"""Seconds for which a silent connection is kept: longer than who stands in front keeps it, so that he hangs up."""


def names() -> list[str]:
    """Return the functions that there are."""
    return sorted(path.parent.name for path in Path(__file__).parent.glob("*/main.py"))


def application(name: str) -> "App":
    """Return a function's application.

    Raises:
        DefinitionError: nobody has said who may call it, or the project's definitions contradict themselves.
        LoopwrightError: the project cannot be loaded.
    """
    if Access.from_env(os.environ).auth is None:
        raise DefinitionError(
            f"nobody has said who may call {name}: set LOOPWRIGHT_AUTH to one of {', '.join(get_args(Auth))}"
        )
    app: App = importlib.import_module(f"functions.{name}.main").app
    return app


class Stop:
    """What a termination signal does, whenever it comes: uvicorn ends at one in order, but not before it serves.

    It also raises the signal again in the end, which would be a violent one without a handler.
    """

    def __init__(self) -> None:
        self._asked = False
        self._server: uvicorn.Server | None = None

    def __call__(self, *_: object) -> None:
        """Take note of the signal."""
        self._asked = True
        if self._server:
            self._server.should_exit = True

    def watch(self, server: "uvicorn.Server") -> None:
        """Let the server end at a signal, also at one that has come already."""
        self._server = server
        server.should_exit = self._asked


def serve(app: "App", *, host: str, port: int, stop: Stop) -> None:
    """Serve until a signal comes, then answer what is in flight and close the platform.

    Raises:
        SystemExit: the address is taken.
    """
    # Here, because a function has begun to load its models by now: they come over the network meanwhile.
    import uvicorn  # noqa: PLC0415
    from uvicorn.config import LOGGING_CONFIG  # noqa: PLC0415

    from functions.logs import gathered  # noqa: PLC0415

    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
        log_config=None if gathered(os.environ) else LOGGING_CONFIG,
        timeout_keep_alive=_KEEP,
        timeout_graceful_shutdown=_GRACE,
    )
    listening = config.bind_socket()
    server = uvicorn.Server(config)
    stop.watch(server)
    server.run(sockets=[listening])


def main(arguments: Sequence[str]) -> int:
    """Serve the function that is named, and return the process's exit code."""
    options = _parser().parse_args(arguments)
    stop = Stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        app = application(options.name)
    except LoopwrightError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    serve(app, host=options.host, port=options.port, stop=stop)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m functions.container", description="Serve one function.")
    parser.add_argument("name", choices=names(), help="of the function")
    host, port = os.environ.get("LOOPWRIGHT_HOST", "0.0.0.0"), os.environ.get("PORT", "8080")  # noqa: S104 - it is a container's
    parser.add_argument("--host", default=host, help="where to listen (LOOPWRIGHT_HOST, else everywhere)")
    parser.add_argument("--port", type=int, default=port, help="(PORT, else 8080)")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
