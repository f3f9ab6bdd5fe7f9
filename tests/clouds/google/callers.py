"""Who asks the front: by the access token that the metadata server of its account has given it."""

from functools import cache
from pathlib import Path
from typing import Any, Final

from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

from tests.clouds.google.front import Request
from tests.clouds.google.ledger import ledger_of
from tests.clouds.google.machines import API
from tests.clouds.google.oidc import Signer

_BEARER: Final = "Bearer "


@cache
def _certificates(folder: Path) -> dict[str, str]:
    return Signer(folder).certificates()


def caller(folder: Path, request: Request) -> str:
    """Return the address of the account that asks; empty: somebody without a token, or with none of ours."""
    shown = request.headers.get("authorization", "")
    if not shown.startswith(_BEARER):
        return ""
    try:
        claims: dict[str, Any] = jwt.decode(shown.removeprefix(_BEARER), certs=_certificates(folder), audience=API)
    except (GoogleAuthError, ValueError):
        return ""
    return str(claims["email"])


def may(folder: Path, email: str, role: str, path: str) -> bool:
    """Return whether an account has a role on a thing, or on the project that it is in."""
    return f"serviceAccount:{email}" in ledger_of(folder).members(path, role)
