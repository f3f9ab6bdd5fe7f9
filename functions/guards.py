"""What a request must bring to be let in. A guard is asked with it, and tells whose it is or raises what is wrong."""

import binascii
import hashlib
import hmac
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NoReturn

import msgspec

from functions.access import GOOGLE_ISSUERS, REMOVED, Access, ApiKey, Callers
from functions.asgi import Scope, aside
from functions.callers import ANONYMOUS, EVENT, Caller, caller_of_event, name_of
from functions.problems import Problem, ProblemError

if TYPE_CHECKING:
    from functions.tokens import Claims, Verifier

Headers = Sequence[tuple[bytes, bytes]]

Guard = Callable[[Scope], Awaitable[Caller]]
"""Returns whose a request is, if it is let in.

Raises:
    ProblemError: it is not: 401 if it does not say who it is of, 403 if it is of nobody who may.
    UnavailableError: whether it is cannot be found out now.
"""

_BEARER: Final = b"bearer "
_BASIC: Final = b"basic "
_KEY_CHALLENGE: Final = 'ApiKey realm="loopwright"'
_BASIC_CHALLENGE: Final = 'Basic realm="loopwright", charset="UTF-8"'


def guard_of_people(access: Access, *, personal: bool = False) -> Guard | None:
    """Return what people must bring; None where somebody else sees to that, or nobody.

    `personal`: it matters who they are, also where somebody else has let them in; and some of them use a browser.
    """
    match access.auth:
        case "apikey":
            return KeyGuard(access.keys, _BASIC_CHALLENGE if personal else _KEY_CHALLENGE)
        case "jwt":
            from functions.tokens import verifier_of  # noqa: PLC0415 - it costs more than all the rest of a start

            assert access.issuer is not None  # noqa: S101 - `from_env` sees to it
            return TokenGuard(verifier_of(access.issuer), claim=access.claim)
        case "iam":
            return FrontGuard(access.claim, cloud_run=access.front) if personal else None
        case "public-without-any-check" | None:
            return None


def guard_of_callers(callers: Callers) -> Guard:
    """Return what schedules and pushes must bring."""
    from functions.tokens import verifier_of  # noqa: PLC0415

    return TokenGuard(verifier_of(callers.issuer), callers.emails)


@dataclass(frozen=True, slots=True)
class KeyGuard:
    """Lets in who sends a key: as `x-api-key`, as a bearer's token, or as the password of whatever user.

    How long it takes to say no tells nothing about the keys. Who it is, is said by the key and by nothing else.
    """

    keys: Sequence[ApiKey]
    challenge: str = _KEY_CHALLENGE

    async def __call__(self, scope: Scope) -> Caller:
        """Ask."""
        given = _key(scope["headers"])
        if given is None:
            _refuse(self.challenge, "send the key as `x-api-key`, as `Authorization: Bearer …` or as a password, once")
        digest = hashlib.sha256(given).digest()
        found = [one.name for one in self.keys if hmac.compare_digest(digest, one.digest)]
        if not found:
            _refuse(self.challenge, "the key that was sent is not the one that is wanted here")
        return Caller(found[0], "key")


@dataclass(frozen=True, slots=True)
class TokenGuard:
    """Lets in who has a token that holds, and, where addresses are given, whose verified one is one of them."""

    verifier: "Verifier"
    emails: frozenset[str] | None = None
    claim: str = ""

    async def __call__(self, scope: Scope) -> Caller:
        """Ask; the event loop goes on while the issuer is asked for its keys."""
        from functions.tokens import TokenError  # noqa: PLC0415

        given = token_of(scope["headers"], front=self.verifier.issuer.front)
        if given is None:
            _refuse('Bearer realm="loopwright"', "send a token as `Authorization: Bearer …`, once")
        token = given.decode("latin-1")
        verify = self.verifier.verify
        try:
            ready = self.verifier.is_ready(token)
            claims = verify(token) if ready else await aside(scope, verify, token)
        except TokenError as error:
            _refuse('Bearer realm="loopwright", error="invalid_token"', str(error))
        self._check(claims)
        return Caller(name_of(claims, self.claim), "token")

    def _check(self, claims: "Claims") -> None:
        if self.emails is None:
            return
        verified = claims.get("email_verified") is True
        if not verified or str(claims.get("email")) not in self.emails:
            whose = claims.get("email", "nobody with an address") if verified else "an address that nobody has verified"
            detail = f"the token is of {whose}, who may not do that here"
            raise ProblemError(Problem(HTTPStatus.FORBIDDEN, "not allowed", detail))


@dataclass(frozen=True, slots=True)
class FrontGuard:
    """Lets in whom the platform in front has let in, under the name that it tells.

    AWS tells it in the event that Lambda is called with; Cloud Run hands on the token that it has verified, without its
    signature. Where neither is there, nobody has a name.
    """

    claim: str = ""
    cloud_run: bool = False

    async def __call__(self, scope: Scope) -> Caller:
        """Ask."""
        if EVENT in scope:
            return caller_of_event(scope[EVENT], self.claim)
        if not self.cloud_run:
            return ANONYMOUS
        token = token_of(scope["headers"], front=True)
        if token is None or not token.endswith(REMOVED.encode()):
            # One with a signature was not verified by anybody: Cloud Run takes those away.
            _refuse('Bearer realm="loopwright"', "Cloud Run's own check has verified no token of this request")
        claims = _claims(token)
        name = name_of(claims, self.claim) if claims.get("iss") in GOOGLE_ISSUERS else ""
        if not name:
            raise ProblemError(Problem(HTTPStatus.FORBIDDEN, "not allowed", "the token does not tell whose it is"))
        return Caller(name, "platform")


def token_of(headers: Headers, *, front: bool) -> bytes | None:
    """Return the bearer's token if there is one, once.

    `front`: Cloud Run's check stands in front. If a request has `X-Serverless-Authorization` too, then it is that which
    was verified, and the other could say anything.
    """
    name = b"authorization"
    if front and any(one == b"x-serverless-authorization" for one, _ in headers):
        name = b"x-serverless-authorization"
    given = _only(headers, name)
    if given is None or given[: len(_BEARER)].lower() != _BEARER:
        return None
    return given[len(_BEARER) :].strip()


def _key(headers: Headers) -> bytes | None:
    """Return the key that was sent, in whichever way."""
    if any(name == b"x-api-key" for name, _ in headers):
        return _only(headers, b"x-api-key")
    given = _only(headers, b"authorization") or b""
    kind, rest = given[: len(_BASIC)].lower(), given[len(_BASIC) :].strip()
    if kind != _BASIC:
        return token_of(headers, front=False)
    try:
        return b64decode(rest, validate=True).partition(b":")[2]
    except binascii.Error:
        return None


def _claims(token: bytes) -> Mapping[str, Any]:
    """Return what a token says that somebody else has verified."""
    try:
        said = token.split(b".")[1]
        return msgspec.json.decode(urlsafe_b64decode(said + b"=" * (-len(said) % 4)), type=dict[str, Any])
    except (IndexError, binascii.Error, msgspec.MsgspecError) as error:
        _refuse('Bearer realm="loopwright", error="invalid_token"', f"what was sent is no token: {error}")


def _only(headers: Headers, name: bytes) -> bytes | None:
    """Return a header's value if it is there once."""
    found = [value for one, value in headers if one == name]
    return found[0] if len(found) == 1 else None


def _refuse(challenge: str, detail: str) -> NoReturn:
    raise ProblemError(Problem(HTTPStatus.UNAUTHORIZED, "not authenticated", detail, challenge=challenge))
