"""What stands before a service of Cloud Run: it lets in whoever may call it, and hands requests on to its instance.

Source: "Authenticating service-to-service" and "Custom audiences", Cloud Run: the role `run.invoker` is asked for by an
identity token for the service's address or one of its own audiences; the service gets it without its signature.
"""

import http.client
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from google.auth import jwt
from google.auth.exceptions import GoogleAuthError
from typing_extensions import override

from tests.clouds.google.ledger import Ledger
from tests.clouds.google.oidc import ISSUER, Signer

_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "proxy-authorization"})
_UNSIGNED: Final = "SIGNATURE_REMOVED_BY_GOOGLE"
_INVOKER: Final = "roles/run.invoker"


@dataclass(frozen=True, slots=True)
class Backend:
    """What answers now: the port of an instance, how many requests it takes at once, and for how long each."""

    port: int
    at_once: threading.BoundedSemaphore
    timeout: float


@dataclass(frozen=True, slots=True)
class Door:
    """Whom to let in: tokens must be for one of `audiences`; `open` lets everybody in."""

    audiences: frozenset[str]
    open: bool


class Gate:
    """One service's address, for as long as there is the service."""

    def __init__(self, path: str, ledger: Ledger, signer: Signer) -> None:
        self._path, self._ledger, self._signer = path, ledger, signer
        self._certificates = signer.certificates()
        self.door = Door(frozenset(), open=False)
        self.backend: Backend | None = None
        handler = type("Bound", (_Handler,), {"gate": self})
        ThreadingHTTPServer.request_queue_size = 128
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def let_in(self, authorization: str) -> tuple[int, str]:
        """Return 0 and what the service sees of the header, or why somebody is not let in, as HTTP has it."""
        if self.door.open:
            return 0, authorization
        members = self._ledger.members(self._path, _INVOKER)
        if "allUsers" in members:
            return 0, authorization
        token = authorization.partition(" ")[2].strip()
        if not token:
            return 403, "The request was not authenticated."
        try:
            claims: Mapping[str, Any] = jwt.decode(token, certs=self._certificates)
        except (GoogleAuthError, ValueError) as error:
            return 401, f"The access token could not be verified: {error}"
        if claims["iss"] != ISSUER or claims["aud"] not in {self.url, *self.door.audiences}:
            return 401, f"The token is for {claims['aud']}."
        whose = claims["email"]
        if not members & {f"serviceAccount:{whose}", f"user:{whose}", "allAuthenticatedUsers"}:
            return 403, f"{whose} does not have permission run.routes.invoke."
        return 0, f"Bearer {token.rpartition('.')[0]}.{_UNSIGNED}"

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    gate: Gate

    @override
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _do(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        refused, shown = self.gate.let_in(self.headers.get("Authorization", ""))
        backend = self.gate.backend
        if refused or backend is None:
            self._say(refused or 503, {"Content-Type": "text/html"}, (shown or "no instance").encode())
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
        if shown:
            headers["Authorization"] = shown
        self._say(*_handed_on(backend, self.command, self.path, headers, body))

    def _say(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() not in _HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()


for _method in ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"):
    setattr(_Handler, f"do_{_method}", _Handler._do)


def _handed_on(
    backend: Backend, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, Mapping[str, str], bytes]:
    """Return the instance's answer: 429 if it has too much to do, 504 if it takes too long, 503 if it broke."""
    if not backend.at_once.acquire(timeout=backend.timeout):
        return 429, {}, b"Rate exceeded."
    connection = http.client.HTTPConnection("127.0.0.1", backend.port, timeout=backend.timeout)
    try:
        connection.request(method, target, body or None, dict(headers))
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    except TimeoutError:
        return 504, {}, b"upstream request timeout"
    except (OSError, http.client.HTTPException) as error:
        return 503, {}, repr(error).encode()
    finally:
        connection.close()
        backend.at_once.release()
