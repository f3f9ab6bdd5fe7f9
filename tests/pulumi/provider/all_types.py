"""All types of resources that the stand-in knows: each module registers its own."""

from importlib import import_module
from typing import Final

_MODULES: Final = (
    "build",
    "functions",
    "gateways",
    "messaging",
    "observability",
    "roles",
    "scheduling",
    "storage",
    "token_gateways",
)


def load() -> None:
    """Make every type known."""
    for name in _MODULES:
        import_module(f"tests.pulumi.provider.{name}")
