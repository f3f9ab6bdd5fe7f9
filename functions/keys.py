"""The keys of an issuer of tokens (JWKS), read over HTTP and kept for as long as it says."""

import http.client
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final
from urllib.parse import urlsplit

import jwt
import msgspec

from functions.access import Issuer, is_safe
from functions.problems import log_failure
from loopwright.errors import UnavailableError

_SHORTEST: Final = 60.0
_USUAL: Final = 3_600.0
_LONGEST: Final = 86_400.0
_STALE: Final = 6 * 3_600.0
"""Seconds for which keys are used beyond their time while their issuer does not answer."""

_REST: Final = 30.0
"""Seconds between looks for keys that are not known: anybody can name some."""

_PAUSE: Final = 1.0
_TIMEOUT: Final = 5.0
_LIMIT: Final = 1024 * 1024
_OK: Final = 200
_PUBLIC: Final = frozenset({"RSA", "EC"})
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d+)", re.IGNORECASE)

Document = tuple[Mapping[str, Any], float]
"""A JSON object, and for how many seconds it holds."""


class Keys:
    """The keys that an issuer signs with now, by their names; safe in any thread."""

    def __init__(self, read: Callable[[], Document], *, timer: Callable[[], float] = time.monotonic) -> None:
        """Keep nothing yet; `read` gets the key set."""
        self._read = read
        self._timer = timer
        self._lock = threading.Lock()
        self._found: Mapping[str, jwt.PyJWK] = {}
        self._until = self._stale = self._rest = float("-inf")
        self._failure = ""

    def at_hand(self, name: str) -> jwt.PyJWK | None:
        """Return a key that is known and still holds, without asking anybody."""
        return self._found.get(name) if self._timer() < self._until else None

    def get(self, name: str) -> jwt.PyJWK | None:
        """Return a key, or None if the issuer has none of that name; ask it if that is not known.

        Raises:
            UnavailableError: it does not answer, and the key was not known a few hours ago.
        """
        with self._lock:
            now = self._timer()
            if now >= self._rest and (now >= self._until or name not in self._found):
                self._look(now)
            if now < self._stale and name in self._found:
                return self._found[name]
            if self._failure:
                raise UnavailableError(self._failure)
            return None

    def _look(self, now: float) -> None:
        try:
            document, holds = self._read()
            self._found = _keys(document)
        except UnavailableError as error:
            self._failure = str(error)
            self._rest = now + _PAUSE
            log_failure("read the keys of tokens", error)
        else:
            self._failure = ""
            self._until, self._stale, self._rest = now + holds, now + holds + _STALE, now + _REST


def keys_of(issuer: Issuer) -> Keys:
    """Return the keys of an issuer; where they are is read from its OpenID configuration if it is not told."""
    return Keys(lambda: fetched(issuer.certs or _certs(issuer.names[0])))


def fetched(address: str) -> Document:
    """Return the JSON object at an address, and for how long it holds by its `Cache-Control`.

    Raises:
        UnavailableError: there is none, or nobody answers.
    """
    where = urlsplit(address)
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    path = f"{where.path or '/'}{f'?{where.query}' if where.query else ''}"
    try:
        with closing(kind(where.netloc, timeout=_TIMEOUT)) as connection:
            connection.request("GET", path, headers={"Accept": "application/json"})
            answer = connection.getresponse()
            if answer.status != _OK:
                raise UnavailableError(f"{address} answers {answer.status}: wanted the keys of tokens")
            document = msgspec.json.decode(answer.read(_LIMIT), type=dict[str, Any])
    except (OSError, http.client.HTTPException, msgspec.MsgspecError, ValueError) as error:
        raise UnavailableError(f"{address} does not tell the keys of tokens: {error!r}") from error
    return document, _holds(answer.getheader("Cache-Control", ""))


def _certs(issuer: str) -> str:
    """Return where an issuer's keys are, by its OpenID configuration."""
    place = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    document, _ = fetched(place)
    address = document.get("jwks_uri")
    if document.get("issuer") != issuer or not isinstance(address, str) or not is_safe(address):
        raise UnavailableError(
            f"{place} is of the issuer {document.get('issuer')!r} with keys at {address!r}: "
            f"wanted {issuer!r}, with keys at an https:// address"
        )
    return address


def _keys(document: Mapping[str, Any]) -> Mapping[str, jwt.PyJWK]:
    """Return the public keys of a key set by their names; keys of kinds that are not known here are left out."""
    found = {}
    listed = document.get("keys")
    for one in listed if isinstance(listed, list) else ():
        try:
            key = jwt.PyJWK(one)
        except (jwt.PyJWTError, TypeError, AttributeError):
            continue
        if key.key_id and key.key_type in _PUBLIC and key.public_key_use in {None, "sig"}:
            found[key.key_id] = key
    if not found:
        raise UnavailableError("the tokens' issuer tells no key that can be used here")
    return found


def _holds(cache_control: str) -> float:
    told = _MAX_AGE.search(cache_control)
    return min(max(float(told[1]), _SHORTEST), _LONGEST) if told else _USUAL
