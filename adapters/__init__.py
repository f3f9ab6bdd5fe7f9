"""The one place where a provider is chosen."""

from typing import Literal, get_args

from loopwright.errors import DefinitionError
from loopwright.ports import Platform
from loopwright.settings import Settings

Provider = Literal["memory", "local", "aws"]


def open_platform(settings: Settings) -> Platform:
    """Return the ports of the provider that the settings name; its libraries are imported only now.

    Raises:
        DefinitionError: there is no such provider, or its place lacks something.
    """
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
            choices = ", ".join(get_args(Provider))
            raise DefinitionError(f"LOOPWRIGHT_PROVIDER={settings.provider}: use one of {choices}")
