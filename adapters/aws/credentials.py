"""Whose credentials a process has: those of its environment, of its container, or of the person at the keyboard."""

import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from adapters.aws.signing import Credentials
from loopwright.clock import Clock, parse_time
from loopwright.errors import DeniedError, UnavailableError

Source = Callable[[], Credentials]

_CONTAINER_HOST: Final = "169.254.170.2"
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
        """Return good credentials.

        Raises:
            DeniedError: this process has none.
        """
        kept = self._kept
        if kept and (kept.expires is None or kept.expires - self._clock() > _EARLY):
            return kept
        with self._lock:
            self._kept = self._source()
            return self._kept


def source_of(environment: Mapping[str, str]) -> Source:
    """Return where this process finds its credentials.

    A function has them in its environment and a container at an address; only a person has files and single sign-on,
    for which botocore is imported.
    """
    if "AWS_ACCESS_KEY_ID" in environment:
        return lambda: _from_environment(environment)
    if path := environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        return lambda: _from_container(path)
    return _from_files


def _from_environment(environment: Mapping[str, str]) -> Credentials:
    key, secret = environment["AWS_ACCESS_KEY_ID"], environment.get("AWS_SECRET_ACCESS_KEY", "")
    return Credentials(key, secret, environment.get("AWS_SESSION_TOKEN", ""))


def _from_container(path: str) -> Credentials:
    connection = http.client.HTTPConnection(_CONTAINER_HOST, timeout=_TIMEOUT)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read()
    except OSError as error:
        raise UnavailableError(f"the container's credentials: {error}") from error
    finally:
        connection.close()
    if answer.status != _OK:
        raise UnavailableError(f"the container's credentials: HTTP {answer.status}")
    told = json.loads(content)
    expires = parse_time(told["Expiration"])
    return Credentials(told["AccessKeyId"], told["SecretAccessKey"], told.get("Token", ""), expires)


def _from_files() -> Credentials:
    try:
        from botocore.session import Session  # noqa: PLC0415 - half a second that only people pay
    except ModuleNotFoundError as error:
        raise DeniedError(f"{_NONE}, or install botocore, which reads profiles") from error
    found = Session(profile=os.environ.get("AWS_PROFILE")).get_credentials()
    if found is None:
        raise DeniedError(f"{_NONE}, or sign in with `aws sso login` or `aws configure`")
    frozen = found.get_frozen_credentials()
    # Those of a role or of single sign-on end; botocore renews them and is asked again in time.
    expires = time.time() + _EARLY + _FILES_KEPT if frozen.token else None
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token or "", expires)


_FILES_KEPT: Final = 60.0
_NONE: Final = "there are no AWS credentials here: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
