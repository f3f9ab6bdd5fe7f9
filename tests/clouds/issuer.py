"""Somebody on this machine who issues JSON Web Tokens, and tells by OpenID's discovery how to check them."""

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from typing_extensions import override

_HOST: Final = "127.0.0.1"
_HOUR: Final = 3600


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True, slots=True)
class Issuer:
    """One that answers at `address`, over TLS; `certificate` is a file for those who are to trust it."""

    address: str
    certificate: Path
    key: rsa.RSAPrivateKey = field(default_factory=_key)

    def token(self, *, audience: str, **claims: object) -> str:
        """Return a signed token that is valid for an hour; `claims` are added, or replace its own."""
        now = int(time.time())
        said = {"iss": self.address, "aud": audience, "sub": "somebody", "iat": now, "exp": now + _HOUR, **claims}
        content = f"{_packed({'alg': 'RS256', 'typ': 'JWT', 'kid': 'one'})}.{_packed(said)}"
        return f"{content}.{_text(self.key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def documents(self) -> Mapping[str, object]:
        """Return what is to be read here, by its path."""
        numbers = self.key.public_key().public_numbers()
        exponent, modulus = (_text(one.to_bytes((one.bit_length() + 7) // 8, "big")) for one in (numbers.e, numbers.n))
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one", "e": exponent, "n": modulus}
        found = {"issuer": self.address, "jwks_uri": f"{self.address}/keys"}
        return {"/.well-known/openid-configuration": found, "/keys": {"keys": [key]}}


@contextmanager
def issuing(folder: Path) -> Iterator[Issuer]:
    """Answer for the time of the block; `folder` is for its certificate."""
    certificate, secret = folder / "issuer.pem", folder / "issuer.key"
    _certify(certificate, secret)
    documents: dict[str, object] = {}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = documents.get(self.path)
            content = json.dumps(found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((_HOST, 0), Answers) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, secret)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        issuer = Issuer(f"https://{_HOST}:{server.server_port}", certificate)
        documents.update(issuer.documents())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield issuer
        finally:
            server.shutdown()


def _certify(certificate: Path, secret: Path) -> None:
    """Write a certificate for this machine that is signed by itself, and its key."""
    key, name = _key(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, _HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(_HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))


def _packed(value: object) -> str:
    return _text(json.dumps(value).encode())


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
