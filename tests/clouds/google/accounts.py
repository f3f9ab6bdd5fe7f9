"""The service account of this machine: its address and tokens by the metadata server, its signatures.

Accounts that were made here are signed for too, with the same key; whether somebody may have that done is asked by the
machine that it runs on (permissions.py). The key is made anew by each start; `public_key` of the folder is its public
half.
"""

import base64
import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from typing_extensions import override

from tests.clouds.google.front import Answer, Request, Service, refused, told
from tests.clouds.google.ledger import Ledger, ledger_of
from tests.clouds.google.permissions import account_path

ACCOUNT: Final = "loopwright@loopwright-test.iam.gserviceaccount.com"

_METADATA: Final = "/computeMetadata/v1/instance/service-accounts/default/"
_SIGN: Final = re.compile(r"/v1/projects/-/serviceAccounts/([^/]+):signBlob")
_KEY: Final = "account.pem"


class Accounts(Service):
    """One account that every process on this machine has, and the signatures of all."""

    def __init__(self, key: RSAPrivateKey, ledger: Ledger) -> None:
        self._key = key
        self._ledger = ledger

    @override
    def takes(self, request: Request) -> bool:
        return request.path in (_METADATA + "email", _METADATA + "token") or bool(_SIGN.fullmatch(request.path))

    @override
    def answer(self, request: Request) -> Answer:
        if sought := _SIGN.fullmatch(request.path):
            email = unquote(sought[1])
            if email != ACCOUNT and account_path(email) not in self._ledger.things:
                return refused(403, "PERMISSION_DENIED", f"may not sign as {sought[1]}")
            signature = self._key.sign(base64.b64decode(request.json()["payload"]), PKCS1v15(), SHA256())
            return told({"keyId": "1", "signedBlob": base64.b64encode(signature).decode()})
        if request.headers.get("metadata-flavor") != "Google":
            return refused(403, "PERMISSION_DENIED", "Missing Metadata-Flavor:Google header.")
        if request.path.endswith("email"):
            return Answer(200, ACCOUNT.encode(), {"Content-Type": "application/text", "Metadata-Flavor": "Google"})
        return told({"access_token": "of-this-machine", "expires_in": 3_599, "token_type": "Bearer"})

    @override
    def close(self) -> None:
        """Nothing was started."""


def start(folder: Path) -> Accounts:
    """Make the account's key."""
    key = generate_private_key(public_exponent=65_537, key_size=2_048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / _KEY).write_bytes(public)
    return Accounts(key, ledger_of(folder))


def signed_by_account(folder: Path, text: bytes, signature: bytes) -> bool:
    """Return whether a signature of a text is the account's."""
    key = load_pem_public_key((folder / _KEY).read_bytes())
    assert isinstance(key, RSAPublicKey)
    try:
        key.verify(signature, text, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
