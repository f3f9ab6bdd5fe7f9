"""An issuer of tokens on this machine: it publishes keys and its OpenID configuration, and google-auth signs for it."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from threading import Thread
from typing import Any

import google.auth.crypt
import google.auth.jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from typing_extensions import override

AUDIENCE = "https://retrain.example"
EMAIL = "schedules@airport.iam.gserviceaccount.com"
REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"


_NUMBERS = cycle(range(4))


@cache
def _rsa(number: int) -> rsa.RSAPrivateKey:
    """One of a few keys: to make one takes a while, and four issuers in a row do not share any."""
    return rsa.generate_private_key(65_537, 2_048)


class Issuer:
    """Keys by name, and what is asked of it."""

    def __init__(self) -> None:
        self.address = ""
        self.keys: dict[str, Any] = {}
        self.asked = 0
        self.broken = False
        self.cache_control = "public, max-age=3600"
        self.extra: list[Mapping[str, object]] = []
        self.add("one")

    def add(self, name: str, *, curve: bool = False) -> None:
        self.keys[name] = ec.generate_private_key(ec.SECP256R1()) if curve else _rsa(next(_NUMBERS))

    @property
    def certs(self) -> str:
        return f"{self.address}/certs"

    def token(self, *, key: str = "one", signed_by: str = "", **claims: object) -> str:
        """A token as Google's are; None takes a claim away."""
        now = int(time.time())
        usual = {"iss": self.address, "aud": AUDIENCE, "sub": "1", "iat": now, "exp": now + 3_600}
        said = {**usual, "email": EMAIL, "email_verified": True, **claims}
        pem = self.keys[signed_by or key].private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        curve = isinstance(self.keys[signed_by or key], ec.EllipticCurvePrivateKey)
        signer = (google.auth.crypt.EsSigner if curve else google.auth.crypt.RSASigner).from_string(pem, key)
        return google.auth.jwt.encode(signer, {name: one for name, one in said.items() if one is not None}).decode()

    def bearer(self, **claims: object) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(**claims)}"}

    def document(self, path: str) -> Mapping[str, object]:
        if path == "/certs":
            return {"keys": [*self.extra, *(_public(name, key) for name, key in self.keys.items())]}
        return {"issuer": self.address, "jwks_uri": self.certs}


def unsigned(token: str, header: Mapping[str, object]) -> str:
    """The token with another header, and without a signature."""
    _, claims, _ = token.split(".")
    return f"{urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip('=')}.{claims}."


def stripped(token: str) -> str:
    """The token as Cloud Run passes it on after its own check."""
    return f"{token.rpartition('.')[0]}.{REMOVED}"


def _public(name: str, key: object) -> Mapping[str, object]:
    algorithm = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
    return {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": name, "use": "sig"}


class _Pages(BaseHTTPRequestHandler):
    def __init__(self, issuer: Issuer, *given: Any) -> None:  # noqa: ANN401 - what socketserver hands over
        self._issuer = issuer
        super().__init__(*given)

    def do_GET(self) -> None:
        self._issuer.asked += 1
        body = json.dumps(self._issuer.document(self.path)).encode()
        self.send_response(500 if self._issuer.broken else 200)
        self.send_header("Cache-Control", self._issuer.cache_control)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@contextmanager
def issuing() -> Iterator[Issuer]:
    issuer = Issuer()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Pages, issuer)) as server:
        issuer.address = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield issuer
        finally:
            server.shutdown()
