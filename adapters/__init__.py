"""The one place where a provider is chosen."""

from typing import assert_never

from loopwright.ports import Platform
from loopwright.settings import Settings


def open_platform(settings: Settings) -> Platform:
    """Return the ports of the provider that the settings name; its libraries are imported only now."""
    match settings.provider:
        case "memory":
            from adapters.memory.provider import MemoryPlatform  # noqa: PLC0415 - only the chosen provider is imported

            return MemoryPlatform(settings)
        case "local":
            from adapters.local.provider import LocalPlatform  # noqa: PLC0415

            return LocalPlatform(settings)
        case "aws":
            from adapters.aws.provider import AwsPlatform  # noqa: PLC0415

            return AwsPlatform(settings)
        case _:
            assert_never(settings.provider)
