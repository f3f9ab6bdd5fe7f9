"""Identity tokens as Google signs them, with a key of this machine's own; whoever verifies one asks here for the keys.

Source: "Authenticate service-to-service" and "Authentication for push subscriptions", Google Cloud documentation.
"""

import json
import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.clouds.google.front import Answer, Request, Service, refused, told

ISSUER: Final = "https://accounts.google.com"
KEYS: Final = "/oauth2/v3/certs"
"""Where the keys are, as a JSON Web Key Set."""

CERTIFICATES: Final = "/oauth2/v1/certs"
"""Where they are as certificates, which is what `google-auth` asks for."""

_LIFE: Final = 3_600


class Signer:
    """Signs with the key in a folder, which is made when there is none; every signer of a folder has the same."""

    def __init__(self, folder: Path) -> None:
        self._key = _key(folder / "oidc.pem")
        numbers = self._key.public_key().public_numbers()
        self._public = {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        self.kid = sha256(json.dumps(self._public).encode()).hexdigest()[:40]

    def token(
        self,
        *,
        audience: str,
        email: str,
        issuer: str = ISSUER,
        issued: float | None = None,
        life: float = _LIFE,
        claims: Mapping[str, object] | None = None,
    ) -> str:
        """Return an identity token of a service account; `issued` is in seconds since 1970, otherwise now."""
        began = int(time.time() if issued is None else issued)
        subject = str(int(sha256(email.encode()).hexdigest()[:16], 16))
        payload = {
            "aud": audience,
            "azp": subject,
            "email": email,
            "email_verified": True,
            "exp": began + int(life),
            "iat": began,
            "iss": issuer,
            "sub": subject,
            **(claims or {}),
        }
        head = {"alg": "RS256", "kid": self.kid, "typ": "JWT"}
        signed = b".".join(_part(json.dumps(part).encode()) for part in (head, payload))
        signature = self._key.sign(signed, padding.PKCS1v15(), hashes.SHA256())
        return f"{signed.decode()}.{_part(signature).decode()}"

    def keys(self) -> dict[str, object]:
        """Return the public key, as a JSON Web Key Set."""
        return {"keys": [{**self._public, "alg": "RS256", "kid": self.kid, "use": "sig"}]}

    def certificates(self) -> dict[str, str]:
        """Return the public key as a certificate, by its identity."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a Google on this machine")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .sign(self._key, hashes.SHA256())
        )
        return {self.kid: made.public_bytes(serialization.Encoding.PEM).decode()}


class Certificates(Service):
    """Hands out the keys."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def takes(self, request: Request) -> bool:
        return request.path in {KEYS, CERTIFICATES}

    def answer(self, request: Request) -> Answer:
        if request.method != "GET":
            return refused(405, "UNIMPLEMENTED", f"{request.method} {request.path}: keys are only read")
        return told(self._signer.keys() if request.path == KEYS else self._signer.certificates())

    def close(self) -> None:
        """Nothing was started."""


def start(folder: Path) -> Service:
    """Return the service."""
    return Certificates(Signer(folder))


def _key(path: Path) -> rsa.RSAPrivateKey:
    if not path.exists():
        made = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        own = path.with_name(f"{path.name}.{os.getpid()}")
        kind, no_password = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        own.write_bytes(made.private_bytes(serialization.Encoding.PEM, kind, no_password))
        own.chmod(0o600)
        try:
            os.link(own, path)
        except FileExistsError:
            pass  # another was faster, and his is everybody's
        finally:
            own.unlink()
    found = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(found, rsa.RSAPrivateKey):
        raise TypeError(f"{path} has no RSA key")
    return found


def _number(value: int) -> str:
    return _part(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode()


def _part(data: bytes) -> bytes:
    return urlsafe_b64encode(data).rstrip(b"=")
