"""The whole loop in one process: `python -m functions.up --host 127.0.0.1 --port 8080`.

Every function in one application, and the worker in a thread beside it. A termination signal ends it in order:
requests in flight are finished, what was logged is landed, and the process ends with 0. After a kill it is started
again and goes on: what was answered is in the queues or in the lake.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from typing import Final

import uvicorn

import functions.collect.app
import functions.features.app
import functions.labels.app
import functions.materialize.app
import functions.metrics.app
import functions.monitor.app
import functions.predict.app
import functions.retrain.app
import functions.tracking.app
from adapters import open_platform
from functions.application import Application, compose
from functions.asgi import App
from functions.callers import Caller
from functions.entrance import ABOUT, entrance
from functions.origins import OwnPages, hosts_of
from functions.tracking.errors import refusal_at
from functions.tracking.requests import PREFIXES
from functions.worker.loop import LEASE, Worker
from loopwright.definitions import Project
from loopwright.definitions.project import load_project
from loopwright.errors import LoopwrightError
from loopwright.ports import Platform
from loopwright.serving.predictor import Predictor
from loopwright.settings import Settings

_REFRESH: Final = 0.5
"""Seconds until a promotion is served that the worker has not announced; a read of the local table is cheap."""

_REPLAY_LEASE: Final = 2 * 86_400.0
"""A replayed clock jumps by hours while a message is in hand; two of its days are not over before it has landed."""

_GRACE: Final = 20

_SWITCH: Final = 0.0002
"""Seconds after which the worker's thread lets a request have the interpreter; Python's 5 ms would be felt."""


def create_app(platform: Platform, project: Project, predictor: Predictor) -> Application:
    """Return all functions as one application."""
    built = [
        functions.predict.app.build(platform, project, predictor, together=True),
        functions.labels.app.build(platform, project),
        functions.features.app.build(platform, project),
        functions.collect.app.build(platform, project),
        functions.materialize.app.build(platform, project),
        functions.monitor.app.build(platform, project),
        functions.retrain.app.build(platform, project),
        functions.metrics.app.build(platform),
        functions.tracking.app.build(platform, project),
    ]
    return compose(project, platform.telemetry, built)


def serve(
    settings: Settings, environment: Mapping[str, str], *, host: str, port: int, stopped: threading.Event
) -> None:
    """Serve until a signal comes; not at all if one has come already.

    Raises:
        LoopwrightError: the project cannot be loaded.
        OSError: the address is taken.
    """
    sys.setswitchinterval(_SWITCH)
    project = load_project(settings.project)
    platform = open_platform(settings)
    predictor = Predictor(platform, project, refresh=_REFRESH)
    config = uvicorn.Config(
        _fronted(create_app(platform, project, predictor), platform, environment, host),
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=_GRACE,
    )
    listening = config.bind_socket()
    beside = open_platform(settings) if platform.capabilities.durable else platform
    lease = _REPLAY_LEASE if settings.clock_file else LEASE
    worker = Worker(beside, project, refresh=lambda: _refresh(project, predictor), lease=lease)
    thread = threading.Thread(target=worker.run, name="worker")
    thread.start()
    try:
        if not stopped.is_set():
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        worker.stop()
        thread.join()
        beside.close()
        platform.close()


def _fronted(app: Application, platform: Platform, environment: Mapping[str, str], host: str) -> App:
    """Return the application as it is served at a host: asked by its own pages, and by whom the environment lets in.

    Whoever reaches a server that this machine alone can reach sits at it, if nothing else is said.
    """
    refused, hosts = refusal_at(PREFIXES), hosts_of(host, environment)
    named = any(name.startswith(ABOUT) for name in environment)
    whose = Caller(environment.get("USER", ""), "machine") if hosts and not named else None
    own = OwnPages(app, hosts=hosts, whose=whose, refusal=refused)
    return entrance(own, platform, environment, personal=True, refusal=refused) if named else own


def main(arguments: Sequence[str]) -> int:
    """Serve what the environment says, and return the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m functions.up", description="Serve a project on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args(arguments)
    # uvicorn ends in order at a signal and then raises it again: without these handlers that would be a violent end.
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        serve(Settings.from_env(os.environ), os.environ, host=options.host, port=options.port, stopped=stopped)
    except LoopwrightError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def _refresh(project: Project, predictor: Predictor) -> None:
    """Load what the registry names now; a model without a champion has nothing to load."""
    for model in project.models:
        try:
            predictor.refresh(model.name)
        except LoopwrightError:
            # Requests and /health say what is wrong, by name; the worker has nothing to add.
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
