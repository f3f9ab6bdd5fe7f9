"""Whose credentials a process has: those of its environment, of its container, or of the person at the keyboard."""

import http.client
import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol
from urllib.parse import SplitResult, urlsplit

from adapters.aws.signing import Credentials
from loopwright.clock import Clock, parse_time
from loopwright.errors import DeniedError, UnavailableError

Source = Callable[[], Credentials]

_CONTAINER_HOST: Final = "169.254.170.2"
_NEAR: Final = frozenset({_CONTAINER_HOST, "169.254.170.23", "127.0.0.1", "::1", "localhost"})
_TIMEOUT: Final = 3.0
_OK: Final = 200
_EARLY: Final = 300.0
"""Seconds before their end at which credentials are fetched anew."""


class CredentialsKeeper:
    """Keeps the credentials of a source for as long as they are good; safe in any thread."""

    def __init__(self, source: Source, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: Credentials | None = None

    def __call__(self) -> Credentials:
        """Return good credentials: the same object for as long as they are not fetched anew.

        Raises:
            DeniedError: this process has none.
            UnavailableError: those there were have ended and no new ones can be had now.
        """
        kept = self._kept
        if kept and self._good_for(kept) > _EARLY:
            return kept
        with self._lock:
            kept = self._kept  # perhaps another thread has just fetched them
            if kept and self._good_for(kept) > _EARLY:
                return kept
            try:
                self._kept = self._source()
            except UnavailableError:
                if kept is None or self._good_for(kept) <= 0:
                    raise
                return kept
            return self._kept

    def _good_for(self, credentials: Credentials) -> float:
        return math.inf if credentials.expires is None else credentials.expires - self._clock()


def source_of(environment: Mapping[str, str]) -> Source:
    """Return where this process finds its credentials.

    A function has them in its environment and a container at an address; only a person has files and single sign-on,
    for which botocore is imported.
    """
    if environment.get("AWS_ACCESS_KEY_ID"):
        return lambda: _from_environment(environment)
    if path := environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        return lambda: from_container(f"http://{_CONTAINER_HOST}{path}")
    if url := environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        # So it is in a function that starts from a snapshot; the token is read when it is used, for it changes.
        return lambda: from_container(url, token=environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", ""))
    return _Files(environment.get("AWS_PROFILE"))


def _from_environment(environment: Mapping[str, str]) -> Credentials:
    key, secret = environment["AWS_ACCESS_KEY_ID"], environment.get("AWS_SECRET_ACCESS_KEY", "")
    if not secret:
        raise DeniedError("AWS_ACCESS_KEY_ID is set; set AWS_SECRET_ACCESS_KEY too")
    return Credentials(key, secret, environment.get("AWS_SESSION_TOKEN", ""))


def from_container(url: str, *, token: str = "") -> Credentials:
    """Return the credentials that a container's host has for it, shown a token where it wants one.

    Raises:
        DeniedError: the URL leads to another machine in the clear.
        UnavailableError: it does not answer, or with something else.
    """
    where = urlsplit(url)
    if where.scheme != "https" and where.hostname not in _NEAR:
        raise DeniedError(f"the container's credentials: {url} is no address of this host; use https")
    connect = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = connect(where.netloc, timeout=_TIMEOUT)
    try:
        connection.request("GET", _target(where), headers={"Authorization": token} if token else {})
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError(f"the container's credentials: {error}") from error
    finally:
        connection.close()
    if answer.status != _OK:
        raise UnavailableError(f"the container's credentials: HTTP {answer.status}")
    try:
        told = json.loads(content)
        expires = parse_time(told["Expiration"])
        return Credentials(told["AccessKeyId"], told["SecretAccessKey"], told.get("Token", ""), expires)
    except (ValueError, KeyError, TypeError):
        # The cause would quote what was answered, and that may be half a secret.
        raise UnavailableError("the container's credentials: the answer is none") from None


def _target(where: SplitResult) -> str:
    return f"{where.path or '/'}{f'?{where.query}' if where.query else ''}"


class _Files:
    """A person's profile or single sign-on, found by botocore once; it renews what ends."""

    def __init__(self, profile: str | None) -> None:
        self._profile = profile
        self._found: _Renewable | None = None

    def __call__(self) -> Credentials:
        try:
            from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - half a second that only people pay
            from botocore.session import Session  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise DeniedError(f"{_NONE}, or install botocore, which reads profiles") from error
        try:
            self._found = self._found or Session(profile=self._profile).get_credentials()
            if self._found is None:
                raise DeniedError(f"{_NONE}, or sign in with `aws sso login` or `aws configure`")
            frozen = self._found.get_frozen_credentials()
        except BotoCoreError as error:
            raise DeniedError(f"{_NONE}, or sign in again: {error}") from error
        # Those of a role or of single sign-on end; botocore renews them and is asked again in time.
        expires = time.time() + _EARLY + _FILES_KEPT if frozen.token else None
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token or "", expires)


class _Frozen(Protocol):
    access_key: str
    secret_key: str
    token: str | None


class _Renewable(Protocol):
    def get_frozen_credentials(self) -> _Frozen: ...


_FILES_KEPT: Final = 60.0
_NONE: Final = "there are no AWS credentials here: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
