"""The machine of every service account: what runs as it asks there who it is, for tokens, and all else of Google.

At this address Google knows who asks, with a token or without, and allows what the account's roles allow.
Source: "About VM metadata", Google Cloud documentation; a container finds the address in `GCE_METADATA_HOST`.
"""

import json
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from tests.clouds.google.front import Answer, Handler, Request, Service, refused, told
from tests.clouds.google.ledger import NUMBER, ledger_of
from tests.clouds.google.oidc import Signer
from tests.clouds.google.permissions import Policy, policies, refusal

_METADATA: Final = "/computeMetadata/"
_DEFAULT: Final = "/computeMetadata/v1/instance/service-accounts/default/"
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_LIFE: Final = 3_599
API: Final = "https://www.googleapis.com/"
"""Whom access tokens are for: they are opaque to everybody but Google."""


class Machines:
    """All machines of one front, each started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._signer = Signer(folder)
        self._policy = policies(ledger_of(folder), self._ask)
        self._lock = threading.Lock()
        self._servers: dict[str, ThreadingHTTPServer] = {}
        self.services: Sequence[Service] = ()

    def host(self, email: str) -> str:
        """Return the address of the one of an account."""
        with self._lock:
            if email not in self._servers:
                own = {"email": email, "signer": self._signer, "policy": staticmethod(self._policy)}
                handler = type("Bound", (_Handler,), {**own, "services": self.services})
                server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
                threading.Thread(target=server.serve_forever, daemon=True).start()
                self._servers[email] = server
            return f"127.0.0.1:{self._servers[email].server_address[1]}"

    def _ask(self, request: Request) -> Mapping[str, Any]:
        service = next(one for one in self.services if one.takes(request))
        found: dict[str, Any] = json.loads(service.answer(request).body)
        return found

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


class _Handler(Handler):
    """Answers as the machine of an account."""

    email = ""
    signer: Signer
    policy: Policy

    @override
    def _answered(self, request: Request) -> Answer:
        if request.path.startswith(_METADATA):
            return self._metadata(request)
        why = refusal(request, self.email, self.policy)
        if why:
            sys.stderr.write(f"{request.method} {request.target}: {why}\n")
            return refused(403, "PERMISSION_DENIED", why)
        return super()._answered(request)

    def _metadata(self, request: Request) -> Answer:
        flavour = {"Metadata-Flavor": "Google"}
        if request.headers.get("metadata-flavor") != "Google":
            return Answer(403, b"Missing Metadata-Flavor:Google header.", flavour)
        project = self.email.partition("@")[2].partition(".")[0]
        match request.path.removeprefix(_DEFAULT):
            case "token":
                token = self.signer.token(audience=API, email=self.email)
                return told({"access_token": token, "expires_in": _LIFE, "token_type": "Bearer"})
            case "identity":
                token = self.signer.token(audience=request.one("audience"), email=self.email)
                return Answer(200, token.encode(), flavour)
            case "email":
                return Answer(200, self.email.encode(), flavour)
            case "scopes":
                return Answer(200, _SCOPE.encode(), flavour)
            case "/computeMetadata/v1/project/project-id":
                return Answer(200, project.encode(), flavour)
            case "/computeMetadata/v1/project/numeric-project-id":
                return Answer(200, NUMBER.encode(), flavour)
            case _:
                return Answer(404, b"not found", flavour)
