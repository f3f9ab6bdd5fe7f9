"""Who may call: people by what `LOOPWRIGHT_AUTH` says, schedules and pushes by a token that names who they are.

    LOOPWRIGHT_AUTH                 iam: the platform in front lets nobody in whom it does not know
                                    apikey: whoever sends LOOPWRIGHT_API_KEY as `x-api-key`
                                    jwt: whoever has a token of LOOPWRIGHT_JWT_ISSUER for LOOPWRIGHT_JWT_AUDIENCE
                                    public-without-any-check: everybody
    LOOPWRIGHT_CALLERS_AUDIENCE     for whom a token of schedules and pushes must be
    LOOPWRIGHT_CALLERS_EMAILS       whose it must be; several are divided by commas
    LOOPWRIGHT_CALLERS_ISSUER       who issues them (Google)
    LOOPWRIGHT_CALLERS_CERTS        where their keys are (Google's, or what the issuer's OpenID configuration says)
    LOOPWRIGHT_CALLERS_FRONT        cloud-run: Cloud Run's own check stands in front, which takes a token's signature
                                    away after it has verified it; without it no token without a signature is taken

Without LOOPWRIGHT_AUTH the other variables say what is meant. What contradicts itself, or is there by halves, is an
error before anything is served.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args
from urllib.parse import urlsplit

from loopwright.errors import DefinitionError

Auth = Literal["iam", "apikey", "jwt", "public-without-any-check"]

GOOGLE_ISSUERS: Final = ("https://accounts.google.com", "accounts.google.com")
"""Google's tokens have either."""

GOOGLE_CERTS: Final = "https://www.googleapis.com/oauth2/v3/certs"
CLOUD_RUN: Final = "cloud-run"

_AUTH: Final = "LOOPWRIGHT_AUTH"
_KEY: Final = "LOOPWRIGHT_API_KEY"
_JWT: Final = ("LOOPWRIGHT_JWT_ISSUER", "LOOPWRIGHT_JWT_AUDIENCE")
_WANTED: Final[Mapping[str, tuple[str, ...]]] = {"apikey": (_KEY,), "jwt": _JWT}
_CALLERS: Final = "LOOPWRIGHT_CALLERS_"
_SHORTEST_KEY: Final = 16


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
class Access:
    """Who may call.

    Attributes:
        auth: how people are known; None: nothing was said about it.
        key: what people send.
        issuer: whose tokens people have.
        callers: who may send schedules and pushes; None: nobody, there is no way in for them.
    """

    auth: Auth | None = None
    key: str = ""
    issuer: Issuer | None = None
    callers: Callers | None = None

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
            _key(given) if auth == "apikey" else "",
            Issuer((_address(given, _JWT[0]),), given[_JWT[1]]) if auth == "jwt" else None,
            _callers(given, auth),
        )


def _auth(given: Mapping[str, str]) -> Auth | None:
    there = {kind for kind, names in _WANTED.items() if any(name in given for name in names)}
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
    for kind, names in _WANTED.items():
        for name in names:
            if kind == auth and name not in given:
                raise DefinitionError(f"{_AUTH}={auth} wants {name} too")
            if kind != auth and name in given:
                raise DefinitionError(
                    f"{name} is set, and would be checked by nobody with {_AUTH}={auth}: leave it out"
                )


def _key(given: Mapping[str, str]) -> str:
    key = given[_KEY]
    if len(key) < _SHORTEST_KEY:
        raise DefinitionError(f"{_KEY} has {len(key)} characters, which can be guessed: use {_SHORTEST_KEY} or more")
    return key


def _callers(given: Mapping[str, str], auth: Auth | None) -> Callers | None:
    found = {name.removeprefix(_CALLERS): value for name, value in given.items() if name.startswith(_CALLERS)}
    if not found:
        return None
    missing = [f"{_CALLERS}{name}" for name in ("AUDIENCE", "EMAILS") if name not in found]
    if missing:
        raise DefinitionError(f"{', '.join(missing)} must be set too where {_CALLERS}{min(found)} is")
    front = found.get("FRONT", "")
    if front not in {"", CLOUD_RUN}:
        raise DefinitionError(f"{_CALLERS}FRONT={front}: use {CLOUD_RUN}, or leave it out")
    if front and auth != "iam":
        raise DefinitionError(
            f"{_CALLERS}FRONT={front} wants {_AUTH}=iam: where others come in too, anybody could leave a signature out"
        )
    certs = _address(given, f"{_CALLERS}CERTS") if "CERTS" in found else ""
    if "ISSUER" in found:
        names: tuple[str, ...] = (found["ISSUER"] if certs else _address(given, f"{_CALLERS}ISSUER"),)
    else:
        names, certs = GOOGLE_ISSUERS, certs or GOOGLE_CERTS
    emails = frozenset(filter(None, (email.strip() for email in found["EMAILS"].split(","))))
    if not emails:
        raise DefinitionError(f"{_CALLERS}EMAILS={found['EMAILS']} names nobody")
    return Callers(Issuer(names, found["AUDIENCE"], certs, bool(front)), emails)


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
