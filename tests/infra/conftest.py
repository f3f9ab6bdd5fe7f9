"""Stacks of the example project, each made once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.stacks import GOOGLE_IMAGE, IMAGE, Made, configured, made

TOLD = {"alarmEmail": "someone@example.org"}
VARIANTS = {
    "plain": {},
    "image": {
        "image": IMAGE,
        "auth": "apikey",
        "apiKeys": f"alice:{'0123456789abcdef' * 2}",
        "monthlyBudget": "20",
        "protect": "false",
        **TOLD,
    },
    "tokens": {
        "auth": "jwt",
        "jwtIssuer": "https://issuer.example.org/",
        "jwtAudience": "flights",
        "snapStart": "true",
    },
    "open": {"auth": "public-without-any-check", "provisionedConcurrency": "2", "architecture": "arm64"},
}
GOOGLE = {
    "google": {},
    "google-key": {
        "auth": "apikey",
        "apiKey": "0123456789abcdef" * 4,
        "apiKeys": f"alice:{'0123456789abcdef' * 2}, bob@example.org:{'fedcba9876543210' * 2}",
        "image": GOOGLE_IMAGE,
        "monthlyBudget": "20",
        "billingAccount": "012345-6789AB-CDEF01",
        "protect": "false",
        **TOLD,
    },
    "google-tokens": {
        "vertex": "true",
        "auth": "jwt",
        "jwtIssuer": "https://issuer.example.org/",
        "jwtAudience": "flights",
    },
    "google-open": {"auth": "public-without-any-check", "provisionedConcurrency": "2", "maxInstances": "7"},
}
ALL = {**VARIANTS, **{name: {"provider": "gcp", **values} for name, values in GOOGLE.items()}}
GOOGLE_CLOSED = [name for name in GOOGLE if name != "google-open"]
CLOSED = [name for name in VARIANTS if name != "open"]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Made]:
    """Return a stack by the name of its variant; nobody may change it."""
    found: dict[str, Made] = {}

    def of(variant: str) -> Made:
        if variant not in found:
            folder: Path = tmp_path_factory.mktemp(variant)
            found[variant] = made(folder, configured(**ALL[variant]))
        return found[variant]

    return of
