"""The metadata server of every service account: what runs as it asks there who it is, and for tokens.

Source: "About VM metadata", Google Cloud documentation; a container finds the address in `GCE_METADATA_HOST`.
"""

import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from tests.clouds.google.front import Answer, told
from tests.clouds.google.ledger import NUMBER
from tests.clouds.google.oidc import Signer

_DEFAULT: Final = "/computeMetadata/v1/instance/service-accounts/default/"
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_LIFE: Final = 3_599
API: Final = "https://www.googleapis.com/"
"""Whom access tokens are for: they are opaque to everybody but Google."""


class Machines:
    """All metadata servers of one front, each started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._signer = Signer(folder)
        self._lock = threading.Lock()
        self._servers: dict[str, ThreadingHTTPServer] = {}

    def host(self, email: str) -> str:
        """Return the address of the one of an account."""
        with self._lock:
            if email not in self._servers:
                handler = type("Bound", (_Handler,), {"email": email, "signer": self._signer})
                server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
                threading.Thread(target=server.serve_forever, daemon=True).start()
                self._servers[email] = server
            return f"127.0.0.1:{self._servers[email].server_address[1]}"

    def close(self) -> None:
        """End them."""
        with self._lock:
            for server in self._servers.values():
                server.shutdown()
                server.server_close()
            self._servers.clear()


@cache
def machines_of(folder: Path) -> Machines:
    """Return those of the front whose home is this folder."""
    return Machines(folder)


class _Handler(BaseHTTPRequestHandler):
    email = ""
    signer: Signer

    def do_GET(self) -> None:
        answer = self._answer()
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Metadata-Flavor": "Google"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _answer(self) -> Answer:
        if self.headers.get("Metadata-Flavor") != "Google":
            return Answer(403, b"Missing Metadata-Flavor:Google header.")
        where = urlsplit(self.path)
        project = self.email.partition("@")[2].partition(".")[0]
        match where.path.removeprefix(_DEFAULT):
            case "token":
                token = self.signer.token(audience=API, email=self.email)
                return told({"access_token": token, "expires_in": _LIFE, "token_type": "Bearer"})
            case "identity":
                (audience,) = parse_qs(where.query)["audience"]
                return Answer(200, self.signer.token(audience=audience, email=self.email).encode())
            case "email":
                return Answer(200, self.email.encode())
            case "scopes":
                return Answer(200, _SCOPE.encode())
            case "/computeMetadata/v1/project/project-id":
                return Answer(200, project.encode())
            case "/computeMetadata/v1/project/numeric-project-id":
                return Answer(200, NUMBER.encode())
            case _:
                return Answer(404, b"not found")
