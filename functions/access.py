"""Who may call: people by what `LOOPWRIGHT_AUTH` says, schedules and pushes by a token that names who they are.

    LOOPWRIGHT_AUTH                 iam: the platform in front lets nobody in whom it does not know
                                    apikey: whoever sends a key as `x-api-key`, as a bearer's token or as a password:
                                    LOOPWRIGHT_API_KEY, or one of LOOPWRIGHT_API_KEYS
                                    jwt: whoever has a token of LOOPWRIGHT_JWT_ISSUER for LOOPWRIGHT_JWT_AUDIENCE
                                    public-without-any-check: everybody
    LOOPWRIGHT_API_KEYS             people's own, `ann:<key>,bob:sha256=<hex>`: as they are, or their digests, so that
                                    whoever reads the environment does not learn them
    LOOPWRIGHT_AUTH_NAME            which claim of a token names its owner; else a verified address, else the subject
    LOOPWRIGHT_AUTH_FRONT           cloud-run: with iam, whose token Cloud Run's own check has let in
    LOOPWRIGHT_CALLERS_AUDIENCE     for whom a token of schedules and pushes must be
    LOOPWRIGHT_CALLERS_EMAILS       whose it must be; several are divided by commas
    LOOPWRIGHT_CALLERS_ISSUER       who issues them (Google)
    LOOPWRIGHT_CALLERS_CERTS        where their keys are (Google's, or what the issuer's OpenID configuration says)
    LOOPWRIGHT_CALLERS_FRONT        cloud-run: Cloud Run's own check stands in front, which takes a token's signature
                                    away after it has verified it; without it no token without a signature is taken

Without LOOPWRIGHT_AUTH the other variables say what is meant. What contradicts itself, or is there by halves, is an
error before anything is served.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from loopwright.errors import DefinitionError

Auth = Literal["iam", "apikey", "jwt", "public-without-any-check"]

GOOGLE_ISSUERS: Final = ("https://accounts.google.com", "accounts.google.com")
"""Google's tokens have either."""

GOOGLE_CERTS: Final = "https://www.googleapis.com/oauth2/v3/certs"
CLOUD_RUN: Final = "cloud-run"

REMOVED: Final = ".SIGNATURE_REMOVED_BY_GOOGLE"
"""How a token ends after Cloud Run's own check has verified it."""

SHARED_KEY: Final = "apikey"
"""The name of whoever has LOOPWRIGHT_API_KEY."""

_AUTH: Final = "LOOPWRIGHT_AUTH"
_NAME: Final = "LOOPWRIGHT_AUTH_NAME"
_FRONT: Final = "LOOPWRIGHT_AUTH_FRONT"
_KEY: Final = "LOOPWRIGHT_API_KEY"
_KEYS: Final = "LOOPWRIGHT_API_KEYS"
_JWT: Final = ("LOOPWRIGHT_JWT_ISSUER", "LOOPWRIGHT_JWT_AUDIENCE")
_OWN: Final[Mapping[str, tuple[str, ...]]] = {"apikey": (_KEY, _KEYS), "jwt": _JWT}
"""The variables that only one way has a meaning for."""

_CALLERS: Final = "LOOPWRIGHT_CALLERS_"
_SHORTEST_KEY: Final = 16
_DIGEST: Final = "sha256="
_HEX: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are taken.

    Attributes:
        names: as a token may name it.
        audience: for whom a token must be.
        certs: where its keys are; empty: where the OpenID configuration of its first name says.
        front: its tokens come through somebody who has verified their signatures and taken them away.
    """

    names: tuple[str, ...]
    audience: str
    certs: str = ""
    front: bool = False


@dataclass(frozen=True, slots=True)
class Callers:
    """Whose schedules and pushes are answered: those with a token of the issuer that has one of these addresses."""

    issuer: Issuer
    emails: frozenset[str]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, by the name of whose it is and its SHA-256; people may have several, as when one takes another's place."""

    name: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call.

    Attributes:
        auth: how people are known; None: nothing was said about it.
        keys: what people send.
        issuer: whose tokens people have.
        callers: who may send schedules and pushes; None: nobody, there is no way in for them.
        claim: which claim names a token's owner; empty: his verified address, or else his subject.
        front: whether Cloud Run's own check stands in front, and hands on whose token it has verified.
    """

    auth: Auth | None = None
    keys: tuple[ApiKey, ...] = ()
    issuer: Issuer | None = None
    callers: Callers | None = None
    claim: str = ""
    front: bool = False

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> "Access":
        """Read the variables.

        Raises:
            DefinitionError: they contradict each other, or some are missing.
        """
        given = {name: value.strip() for name, value in environment.items() if value.strip()}
        auth = _auth(given)
        return cls(
            auth,
            tuple(_keys(given)) if auth == "apikey" else (),
            Issuer((_address(given, _JWT[0]),), given[_JWT[1]]) if auth == "jwt" else None,
            _callers(given, auth),
            given.get(_NAME, ""),
            _front(given, _FRONT, auth),
        )


def _auth(given: Mapping[str, str]) -> Auth | None:
    there = {kind for kind, names in _OWN.items() if any(name in given for name in names)}
    if _AUTH not in given and len(there) > 1:
        raise DefinitionError(f"{_AUTH} is not set: both {' and '.join(sorted(there))} could be meant")
    told = given.get(_AUTH) or "".join(there)
    if not told:
        return None
    for known in get_args(Auth):
        if told == known:
            _check_only(given, known)
            return known  # type: ignore[no-any-return]
    raise DefinitionError(f"{_AUTH}={told}: use one of {', '.join(get_args(Auth))}")


def _check_only(given: Mapping[str, str], auth: Auth) -> None:
    for kind, names in _OWN.items():
        for name in names:
            if kind != auth and name in given:
                raise DefinitionError(
                    f"{name} is set, and would be checked by nobody with {_AUTH}={auth}: leave it out"
                )
    if auth == "apikey" and not (_KEY in given or _KEYS in given):
        raise DefinitionError(f"{_AUTH}={auth} wants {_KEY} too, or {_KEYS}")
    for name in _JWT:
        if auth == "jwt" and name not in given:
            raise DefinitionError(f"{_AUTH}={auth} wants {name} too")


def _keys(given: Mapping[str, str]) -> Iterator[ApiKey]:
    """Yield the keys, each once; what is wrong is told without the key."""
    owners: dict[bytes, str] = {}
    for name, key, what in _entries(given):
        digest = _digest_of(key, what)
        if owners.setdefault(digest, name) != name:
            raise DefinitionError(f"{_KEYS}: {owners[digest]} and {name} have the same key: give each his own")
        yield ApiKey(name, digest)
    if not owners:
        raise DefinitionError(f"{_KEYS}={given[_KEYS]} names nobody")


def _entries(given: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield each key with its owner before and, for messages, what it is behind."""
    if _KEY in given:
        yield SHARED_KEY, given[_KEY], _KEY
    for entry in filter(None, (one.strip() for one in given.get(_KEYS, "").split(","))):
        name, _, key = (part.strip() for part in entry.partition(":"))
        if not (name and key):
            raise DefinitionError(f"{_KEYS}: an entry is no `name:key`; several are divided by commas")
        yield name, key, f"the key of {name} in {_KEYS}"


def _digest_of(key: str, what: str) -> bytes:
    if key.startswith(_DIGEST):
        told = key.removeprefix(_DIGEST)
        if not _HEX.fullmatch(told):
            raise DefinitionError(f"{what}: a digest is {_DIGEST} and 64 hexadecimal digits in lower case")
        return bytes.fromhex(told)
    if len(key) < _SHORTEST_KEY:
        raise DefinitionError(f"{what} has {len(key)} characters, which can be guessed: use {_SHORTEST_KEY} or more")
    return hashlib.sha256(key.encode()).digest()


def _front(given: Mapping[str, str], name: str, auth: Auth | None) -> bool:
    front = given.get(name, "")
    if front not in {"", CLOUD_RUN}:
        raise DefinitionError(f"{name}={front}: use {CLOUD_RUN}, or leave it out")
    if front and auth != "iam":
        raise DefinitionError(
            f"{name}={front} wants {_AUTH}=iam: where others come in too, anybody could leave a signature out"
        )
    return bool(front)


def _callers(given: Mapping[str, str], auth: Auth | None) -> Callers | None:
    found = {name.removeprefix(_CALLERS): value for name, value in given.items() if name.startswith(_CALLERS)}
    if not found:
        return None
    missing = [f"{_CALLERS}{name}" for name in ("AUDIENCE", "EMAILS") if name not in found]
    if missing:
        raise DefinitionError(f"{', '.join(missing)} must be set too where {_CALLERS}{min(found)} is")
    front = _front(given, f"{_CALLERS}FRONT", auth)
    certs = _address(given, f"{_CALLERS}CERTS") if "CERTS" in found else ""
    if "ISSUER" in found:
        names: tuple[str, ...] = (found["ISSUER"] if certs else _address(given, f"{_CALLERS}ISSUER"),)
    else:
        names, certs = GOOGLE_ISSUERS, certs or GOOGLE_CERTS
    emails = frozenset(filter(None, (email.strip() for email in found["EMAILS"].split(","))))
    if not emails:
        raise DefinitionError(f"{_CALLERS}EMAILS={found['EMAILS']} names nobody")
    return Callers(Issuer(names, found["AUDIENCE"], certs, front), emails)


def _address(given: Mapping[str, str], name: str) -> str:
    if not is_safe(given[name]):
        raise DefinitionError(
            f"{name}={given[name]}: use an https:// address, for whoever can change it can let anybody in"
        )
    return given[name]


def is_safe(address: str) -> bool:
    """Return whether what is read at an address is the owner's: over https, or on this very machine."""
    where = urlsplit(address)
    if where.scheme == "https":
        return bool(where.hostname)
    return where.scheme == "http" and _is_here(where.hostname or "")


def _is_here(host: str) -> bool:
    import ipaddress  # noqa: PLC0415 - hardly anybody has an address without https

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
