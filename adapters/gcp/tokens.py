"""Whose tokens a process has: those of the machine that it runs on, or of the person at the keyboard."""

import http.client
import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final, Protocol

from typing_extensions import override

from loopwright.clock import Clock
from loopwright.errors import DeniedError, UnavailableError

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

_METADATA: Final = "metadata.google.internal"
_ACCOUNT: Final = "/computeMetadata/v1/instance/service-accounts/default/"
_ON_GOOGLE: Final = ("K_SERVICE", "CLOUD_RUN_JOB", "CLOUD_ML_JOB_ID", "GCE_METADATA_HOST")
"""Variables of processes that have a service account of their own."""

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT: Final = 3.0
_PAUSES: Final = (0.1, 0.5)
_OK: Final = 200
_EARLY: Final = 240.0
"""Seconds before its end at which a token is fetched anew: the machine itself has a new one five minutes before."""


class Tokens(Protocol):
    """Where a client finds what it shows of itself."""

    def header(self) -> Mapping[str, str]:
        """Return the header that a request carries; empty where nobody asks for one.

        Raises:
            DeniedError: this process has no credentials.
            UnavailableError: those there were have ended and no new ones can be had now.
        """
        ...


class Nobody(Tokens):
    """No token: for a Google on this machine."""

    @override
    def header(self) -> Mapping[str, str]:
        return {}


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the moment at which it ends; `project` is whose quota a person's calls count for."""

    text: str = field(repr=False)
    expires: float
    project: str = ""


Source = Callable[[], Token]


class TokenKeeper(Tokens):
    """Keeps the token of a source for as long as it is good; safe in any thread."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: Token | None = None

    @override
    def header(self) -> Mapping[str, str]:
        token = self._token()
        counted = {"X-Goog-User-Project": token.project} if token.project else {}
        return {"Authorization": f"Bearer {token.text}", **counted}

    def _token(self) -> Token:
        kept = self._kept
        if self._good_for(kept) > _EARLY and kept:
            return kept
        with self._lock:
            kept = self._kept  # perhaps another thread has just fetched one
            if self._good_for(kept) > _EARLY and kept:
                return kept
            try:
                self._kept = self._source()
            except UnavailableError:
                if kept is None or self._good_for(kept) <= 0:
                    raise
                return kept
            return self._kept

    def _good_for(self, token: Token | None) -> float:
        return -math.inf if token is None else token.expires - self._clock()


def source_of(environment: Mapping[str, str], clock: Clock) -> Source:
    """Return where this process finds its tokens.

    On Google's machines that is the machine; only a person has files and a login, for which google-auth is imported.
    """
    if host := on_google(environment):
        return lambda: from_machine(host, clock)
    return _Person(clock)


def on_google(environment: Mapping[str, str]) -> str:
    """Return the host that a process on Google's machines asks about itself; empty: it is elsewhere, or has a key."""
    if environment.get("GOOGLE_APPLICATION_CREDENTIALS") or not any(environment.get(name) for name in _ON_GOOGLE):
        return ""
    return environment.get("GCE_METADATA_HOST") or _METADATA


def account_says(host: str, what: str, *, sleep: Callable[[float], None] = time.sleep) -> bytes:
    """Return what the machine says of its service account: its `token`, its `email`. A new machine may need a moment.

    Raises:
        UnavailableError: it does not answer.
    """
    for pause in _PAUSES:
        try:
            return _asked(host, what)
        except UnavailableError:
            sleep(pause)
    return _asked(host, what)


def _asked(host: str, what: str) -> bytes:
    connection = http.client.HTTPConnection(host, timeout=_TIMEOUT)
    try:
        connection.request("GET", _ACCOUNT + what, headers={"Metadata-Flavor": "Google"})
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"the machine's {what}: {error}") from error
    finally:
        connection.close()
    if answer.status != _OK:
        raise UnavailableError(f"the machine's {what}: HTTP {answer.status}")
    return content


def from_machine(host: str, clock: Clock) -> Token:
    """Return the token that the machine has for its service account.

    Raises:
        UnavailableError: it does not answer, or with something else.
    """
    content = account_says(host, "token")
    try:
        told = json.loads(content)
        return Token(str(told["access_token"]), clock() + float(told["expires_in"]))
    except (ValueError, KeyError, TypeError):
        # The cause would quote what was answered, and that may be half a token.
        raise UnavailableError("the machine's token: the answer is none") from None


class _Person:
    """A person's login or the key of a service account, found by google-auth once; it renews what ends."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._found: Credentials | None = None

    def __call__(self) -> Token:
        try:
            import google.auth
            from google.auth.exceptions import GoogleAuthError, TransportError
            from google.auth.transport.requests import Request
        except ModuleNotFoundError as error:
            raise DeniedError(f"{_NONE}, or install google-auth[requests], which reads logins") from error
        try:
            if self._found is None:
                self._found, _ = google.auth.default(scopes=[SCOPE])
            self._found.refresh(Request())  # type: ignore[no-untyped-call]
        except TransportError as error:
            raise UnavailableError(f"a token of Google's: {error}") from error
        except GoogleAuthError as error:
            raise DeniedError(f"{_NONE}: {error}") from error
        return _token_of(self._found, self._clock())


def _token_of(credentials: Any, now: float) -> Token:  # noqa: ANN401 - google-auth's classes are not typed
    """Return the token that credentials have; google-auth tells its end in UTC and without saying so."""
    expiry = credentials.expiry
    expires = now + _EARLY + 60.0 if expiry is None else expiry.replace(tzinfo=UTC).timestamp()
    return Token(str(credentials.token), expires, getattr(credentials, "quota_project_id", None) or "")


_NONE: Final = "there are no Google credentials here: sign in with `gcloud auth application-default login`"


def tokens_of(environment: Mapping[str, str], clock: Clock) -> Tokens:
    """Return the tokens of this process."""
    return TokenKeeper(source_of(environment, clock), clock)
