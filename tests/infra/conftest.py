"""Stacks of the example project, each made once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.stacks import IMAGE, Made, configured, made

TOLD = {"alarmEmail": "someone@example.org"}
VARIANTS = {
    "plain": {},
    "image": {"image": IMAGE, "auth": "apikey", "monthlyBudget": "20", "protect": "false", **TOLD},
    "tokens": {
        "auth": "jwt",
        "jwtIssuer": "https://issuer.example.org/",
        "jwtAudience": "flights",
        "snapStart": "true",
    },
    "open": {"auth": "public-without-any-check", "provisionedConcurrency": "2", "architecture": "arm64"},
}
CLOSED = [name for name in VARIANTS if name != "open"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Return a stack by the name of its variant; nobody may change it."""
    found: dict[str, Made] = {}

    def of(variant: str) -> Made:
        if variant not in found:
            folder: Path = tmp_path_factory.mktemp(variant)
            found[variant] = made(folder, configured(**VARIANTS[variant]))
        return found[variant]

    return of
