"""Signed URLs of Cloud Storage, and whose signature they carry.

Source: "V4 signing process with your own program" and "Signatures", Cloud Storage documentation; "Method:
projects.serviceAccounts.signBlob", IAM Service Account Credentials API.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, Protocol
from urllib.parse import quote

from typing_extensions import override

from adapters.gcp.api import Api, quoted
from adapters.gcp.place import GcpPlace
from adapters.gcp.replies import translated
from adapters.gcp.tokens import SCOPE, account_says, on_google
from loopwright.errors import DeniedError, InvalidInputError, UnavailableError

IAM_CREDENTIALS: Final = "iamcredentials.googleapis.com"

_ALGORITHM: Final = "GOOG4-RSA-SHA256"
_SAFE: Final = "-_.~"
_MACHINES_LONGEST: Final = 12 * 3_600
"""Seconds: the keys with which Google signs for an account are its own, and it changes them."""

_PERSON: Final = (
    "a person's login signs no URLs: sign in with "
    "`gcloud auth application-default login --impersonate-service-account <account>` "
    "or set GOOGLE_APPLICATION_CREDENTIALS to the key of a service account"
)


class Signer(Protocol):
    """A service account that signs."""

    def account(self) -> str:
        """Return its address."""
        ...

    def sign(self, text: bytes, *, seconds: int) -> bytes:
        """Return the RSA signature of a text with SHA-256, which must be good for so long.

        Raises:
            DeniedError: this process cannot sign.
            InvalidInputError: the signature would not be good for so long.
            UnavailableError: who signs does not answer.
        """
        ...


class MachineSigner(Signer):
    """The machine's own service account, which Google signs for where the account may create its own tokens."""

    def __init__(self, host: str, api: Callable[[str], Api]) -> None:
        """`host` is the machine's, to be asked whose it is; `api` opens a service."""
        self._host = host
        self._api = api
        self._account = ""

    @override
    def account(self) -> str:
        self._account = self._account or account_says(self._host, "email").decode().strip()
        return self._account

    @override
    def sign(self, text: bytes, *, seconds: int) -> bytes:
        if seconds > _MACHINES_LONGEST:
            raise InvalidInputError(
                f"a URL that is good for {seconds:,} s: a machine's account signs for {_MACHINES_LONGEST:,} s at most"
            )
        path = f"/v1/projects/-/serviceAccounts/{quoted(self.account())}:signBlob"
        with translated(f"sign as {self.account()} (it needs roles/iam.serviceAccountTokenCreator on itself)"):
            told = self._api(IAM_CREDENTIALS).call("POST", path, {"payload": base64.b64encode(text).decode()})
        return base64.b64decode(told["signedBlob"])


class PersonSigner(Signer):
    """The key of a service account, or one that a person may act as, as google-auth finds it."""

    def __init__(self) -> None:
        self._found: Any = None

    @override
    def account(self) -> str:
        return str(self._credentials().signer_email)

    @override
    def sign(self, text: bytes, *, seconds: int) -> bytes:
        credentials = self._credentials()
        from google.auth.exceptions import GoogleAuthError

        try:
            return bytes(credentials.sign_bytes(text))
        except GoogleAuthError as error:
            # Whoever acts as an account has Google sign for it.
            raise UnavailableError(f"could not sign as {self.account()}: {error}") from error

    def _credentials(self) -> Any:  # noqa: ANN401 - google-auth's classes are not typed
        if self._found is None:
            try:
                import google.auth
                from google.auth.credentials import Signing
                from google.auth.exceptions import GoogleAuthError
            except ModuleNotFoundError as error:
                raise DeniedError(f"{_PERSON}; install google-auth[requests] for either") from error

            try:
                found, _ = google.auth.default(scopes=[SCOPE])
            except GoogleAuthError as error:
                raise DeniedError(f"{_PERSON}: {error}") from error
            if not isinstance(found, Signing):
                raise DeniedError(_PERSON)
            self._found = found
        return self._found


def signer_of(environment: Mapping[str, str], place: GcpPlace, api: Callable[[str], Api]) -> Signer:
    """Return who signs for this process; a Google on this machine is asked as if it were the machine."""
    host = place.endpoint.partition("//")[2] or on_google(environment)
    return MachineSigner(host, api) if host else PersonSigner()


def signed_url(
    origin: str,
    path: str,
    *,
    method: str,
    seconds: int,
    now: float,
    signer: Signer,
    query: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return a URL by which anyone can send a method to an object for a while.

    `path` is `/<bucket>/<key>` as it is; `query` is what the request says besides.
    """
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/auto/storage/goog4_request"
    signed = {
        **query,
        "X-Goog-Algorithm": _ALGORITHM,
        "X-Goog-Credential": f"{signer.account()}/{scope}",
        "X-Goog-Date": stamp,
        "X-Goog-Expires": str(seconds),
        "X-Goog-SignedHeaders": "host",
    }
    host = origin.partition("//")[2]
    text = text_to_sign(method, host, quote(path, safe=f"/{_SAFE}"), signed)
    signature = signer.sign(text, seconds=seconds).hex()
    return f"{origin}{quote(path, safe=f'/{_SAFE}')}?{_query_text(signed)}&X-Goog-Signature={signature}"


def text_to_sign(method: str, host: str, path: str, query: Mapping[str, str]) -> bytes:
    """Return what the signature of a request is of; `path` is as it is sent."""
    canonical = "\n".join((method, path, _query_text(query), f"host:{host}\n", "host", "UNSIGNED-PAYLOAD"))
    scope = query["X-Goog-Credential"].partition("/")[2]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return "\n".join((_ALGORITHM, query["X-Goog-Date"], scope, digest)).encode()


def _query_text(query: Mapping[str, str]) -> str:
    pairs = sorted((quote(name, safe=_SAFE), quote(value, safe=_SAFE)) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)
