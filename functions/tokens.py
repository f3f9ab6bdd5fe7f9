"""Verification of tokens (JWT): who issued them, for whom, until when, and who they are of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt

from functions.access import REMOVED, Issuer
from functions.keys import Keys, keys_of

_ALGORITHMS: Final = ("RS256", "ES256")

_LEEWAY: Final = 30.0
"""Seconds that the clocks of an issuer and of this machine may differ."""

_LONGEST: Final = 16_384
_WHY: Final[Mapping[type[jwt.PyJWTError], str]] = {
    jwt.ExpiredSignatureError: "the token has expired",
    jwt.ImmatureSignatureError: "the token is not valid yet",
    jwt.InvalidAudienceError: "the token is for somebody else",
    jwt.InvalidIssuerError: "the token is of another issuer",
    jwt.InvalidSignatureError: "the token's signature is wrong",
    jwt.InvalidAlgorithmError: f"the token is not signed with one of {', '.join(_ALGORITHMS)}",
    jwt.MissingRequiredClaimError: "the token lacks a claim that it must have",
}

Claims = Mapping[str, Any]


class TokenError(Exception):
    """A token that is not taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies tokens of one issuer; only such as are signed with RS256 or ES256 by a key that it publishes."""

    issuer: Issuer
    keys: Keys

    def is_ready(self, token: str) -> bool:
        """Return whether the token can be verified without asking anybody."""
        try:
            return self._is_verified(token) or self.keys.at_hand(_key_name(token)) is not None
        except TokenError:
            return True

    def verify(self, token: str) -> Claims:
        """Return what a token says.

        Raises:
            TokenError: it is not to be believed.
            UnavailableError: its issuer's keys cannot be read now.
        """
        name = _key_name(token)
        if self._is_verified(token):
            return self._claims(token, None)
        key = self.keys.get(name)
        if key is None:
            raise TokenError("the token is signed with a key that its issuer does not have")
        return self._claims(token, key)

    def _is_verified(self, token: str) -> bool:
        return self.issuer.front and token.endswith(REMOVED)

    def _claims(self, token: str, key: jwt.PyJWK | None) -> Claims:
        try:
            return jwt.decode(
                token,
                key or "",
                algorithms=_ALGORITHMS,
                audience=self.issuer.audience,
                issuer=self.issuer.names,
                leeway=_LEEWAY,
                # Without a signature to verify, all but the first would be left out too.
                options={
                    "require": ["exp", "iat", "iss", "aud"],
                    "verify_signature": key is not None,
                    "verify_exp": True,
                    "verify_nbf": True,
                    "verify_iat": True,
                    "verify_aud": True,
                    "verify_iss": True,
                },
            )
        except jwt.PyJWTError as error:
            raise TokenError(_why(error)) from error


def verifier_of(issuer: Issuer) -> Verifier:
    """Return who verifies an issuer's tokens, its keys read when the first one comes."""
    return Verifier(issuer, keys_of(issuer))


def _key_name(token: str) -> str:
    """Return the name of the key that a token says it is signed with."""
    if len(token) > _LONGEST:
        raise TokenError("the token is too long")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise TokenError("what was sent is no token") from error
    if header.get("alg") not in _ALGORITHMS:
        raise TokenError(_WHY[jwt.InvalidAlgorithmError])
    name = header.get("kid")
    if not isinstance(name, str):
        raise TokenError("the token does not name the key that it is signed with")
    return name


def _why(error: jwt.PyJWTError) -> str:
    return next((why for kind, why in _WHY.items() if isinstance(error, kind)), "the token is malformed")
