"""Lambda's side of a function: starts its process under the real awslambdaric and speaks the Runtime API with it."""

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import files
from pathlib import Path
from threading import Thread
from typing import Any, Final, TypeVar

from typing_extensions import override

RUNTIME: Final = ("awslambdaric", "simplejson", "snapshot-restore-py")
_LIFE: Final = 900_000
# The folders that come last are all that the process can import from, besides the standard library.
_ISOLATED: Final = """
import runpy, sys
sys.path[:0], sys.argv[1:] = sys.argv[2:], sys.argv[1:2]
runpy.run_module("awslambdaric", run_name="__main__")
"""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answered, and after how many seconds. `failed`: it raised an error, which is the payload."""

    payload: Any
    failed: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class _Mail:
    calls: "queue.Queue[bytes]" = field(default_factory=queue.Queue)
    answers: "queue.Queue[tuple[float, bool, bytes]]" = field(default_factory=queue.Queue)
    ready: "queue.Queue[float]" = field(default_factory=queue.Queue)


class Function:
    """A process that is a function."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, mail: _Mail, started: float) -> None:
        self._process = process
        self._log = log
        self._mail = mail
        self._started = started

    def ready(self, timeout: float = 60) -> float:
        """Return the seconds from its start to its first request for a call, or raise what it died of."""
        return self._wait(self._mail.ready, timeout) - self._started

    def call(self, event: object, timeout: float = 60) -> Answer:
        """Return its answer to an event, or raise what it died of."""
        called = time.perf_counter()
        self._mail.calls.put(json.dumps(event).encode())
        moment, failed, payload = self._wait(self._mail.answers, timeout)
        return Answer(json.loads(payload), failed, moment - called)

    def said(self) -> str:
        """Return what it has written until now."""
        return self._log.read_text(errors="replace")

    def _wait(self, source: "queue.Queue[T]", timeout: float) -> T:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                return source.get(timeout=0.2)
            except queue.Empty:
                if self._process.poll() is not None and source.empty():
                    raise RuntimeError(f"the function has ended: {self.said()}") from None
        raise TimeoutError(f"the function was silent for {timeout:g} seconds: {self.said()}")


class _Api(BaseHTTPRequestHandler):
    """One connection of a function; its answers leave at once and whole, as Lambda's do."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def __init__(self, mail: _Mail, *given: Any) -> None:  # noqa: ANN401 - what socketserver hands over
        self._mail = mail
        super().__init__(*given)

    def do_GET(self) -> None:
        self._mail.ready.put(time.perf_counter())
        event = self._mail.calls.get()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "1")
        # The runtime's client in C falls over without these two.
        self.send_header("Content-Type", "application/json")
        self.send_header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1e3) + _LIFE))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:f")
        self._end(event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._mail.answers.put((time.perf_counter(), not self.path.endswith("/response"), body))
        self.send_response(202)
        self._end(b"{}")

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def _end(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class _Server(ThreadingHTTPServer):
    """Serves one function; a function that ends hangs up in the middle of its request for a call."""

    daemon_threads = True

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def started(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Iterator[Function]:
    """Start a command that is a runtime, in a folder, with an environment that has nothing else in it."""
    mail = _Mail()
    with _Server(("127.0.0.1", 0), partial(_Api, mail)) as server, tempfile.NamedTemporaryFile() as log:
        Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.server_address[:2]
        variables = {**environment, "AWS_LAMBDA_RUNTIME_API": f"{host!s}:{port}"}
        begun = time.perf_counter()
        with subprocess.Popen(command, cwd=folder, env=variables, stdout=log, stderr=log) as process:
            try:
                yield Function(process, Path(log.name), mail, begun)
            finally:
                process.kill()
                server.shutdown()


def isolated(python: Path, handler: str, *folders: Path) -> list[str]:
    """Return the command of a function that can import from these folders and nothing else: the runtime is in one."""
    return [str(python), "-I", "-S", "-c", _ISOLATED, handler, *map(str, folders)]


def copy_runtime(folder: Path) -> Path:
    """Copy the runtime alone out of this environment, and return its folder."""
    for distribution in RUNTIME:
        for file in files(distribution) or ():
            if ".." not in file.parts and os.path.isfile(source := file.locate()):  # noqa: PTH113 - no Path by its type
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
    return folder
