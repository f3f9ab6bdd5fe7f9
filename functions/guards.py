"""What a request must bring to be let in. A guard is asked with the request's headers and raises what is wrong."""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, NoReturn

from functions.access import Access, Callers
from functions.problems import Problem, ProblemError

if TYPE_CHECKING:
    from functions.tokens import Claims, Verifier

Headers = Sequence[tuple[bytes, bytes]]

Guard = Callable[[Headers], Awaitable[None]]
"""Returns if a request with these headers is let in.

Raises:
    ProblemError: it is not: 401 if it does not say who it is of, 403 if it is of nobody who may.
    UnavailableError: whether it is cannot be found out now.
"""

_BEARER: Final = b"bearer "


def guard_of_people(access: Access) -> Guard | None:
    """Return what people must bring; None where somebody else sees to that, or nobody."""
    match access.auth:
        case "apikey":
            return KeyGuard(access.key)
        case "jwt":
            from functions.tokens import verifier_of  # noqa: PLC0415 - it costs more than all the rest of a start

            assert access.issuer is not None  # noqa: S101 - `from_env` sees to it
            return TokenGuard(verifier_of(access.issuer))
        case "iam" | "public-without-any-check" | None:
            return None


def guard_of_callers(callers: Callers) -> Guard:
    """Return what schedules and pushes must bring."""
    from functions.tokens import verifier_of  # noqa: PLC0415

    return TokenGuard(verifier_of(callers.issuer), callers.emails)


class KeyGuard:
    """Lets in who sends the key as `x-api-key`; how long it takes to say no tells nothing about the key."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    async def __call__(self, headers: Headers) -> None:
        """Ask."""
        given = _only(headers, b"x-api-key")
        if given is None:
            _refuse('ApiKey realm="loopwright"', "send the key as `x-api-key`, once")
        if not hmac.compare_digest(given, self._key):
            _refuse('ApiKey realm="loopwright"', "the key in `x-api-key` is not the one that is wanted here")


@dataclass(frozen=True, slots=True)
class TokenGuard:
    """Lets in who has a token that holds, and, where addresses are given, whose verified one is one of them."""

    verifier: "Verifier"
    emails: frozenset[str] | None = None

    async def __call__(self, headers: Headers) -> None:
        """Ask; the event loop goes on while the issuer is asked for its keys."""
        from functions.tokens import TokenError  # noqa: PLC0415

        given = _only(headers, b"authorization")
        if given is None or given[: len(_BEARER)].lower() != _BEARER:
            _refuse('Bearer realm="loopwright"', "send a token as `Authorization: Bearer …`, once")
        token = given[len(_BEARER) :].strip().decode("latin-1")
        verify = self.verifier.verify
        try:
            ready = self.verifier.is_ready(token)
            claims = verify(token) if ready else await asyncio.to_thread(verify, token)
        except TokenError as error:
            _refuse('Bearer realm="loopwright", error="invalid_token"', str(error))
        self._check(claims)

    def _check(self, claims: "Claims") -> None:
        if self.emails is None:
            return
        verified = claims.get("email_verified") is True
        if not verified or str(claims.get("email")) not in self.emails:
            whose = claims.get("email", "nobody with an address") if verified else "an address that nobody has verified"
            detail = f"the token is of {whose}, who may not do that here"
            raise ProblemError(Problem(HTTPStatus.FORBIDDEN, "not allowed", detail))


def _only(headers: Headers, name: bytes) -> bytes | None:
    """Return a header's value if it is there once."""
    found = [value for one, value in headers if one == name]
    return found[0] if len(found) == 1 else None


def _refuse(challenge: str, detail: str) -> NoReturn:
    raise ProblemError(Problem(HTTPStatus.UNAUTHORIZED, "not authenticated", detail, challenge=challenge))
