"""What the stand-in must know of a cloud."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Generic

from tests.pulumi.provider.kinds import P


class Cloud(ABC, Generic[P]):
    """One cloud, whose provider the plugin stands in for.

    Attributes:
        name: its package's in Pulumi; its types are in the folder of that name beside this file.
        unasked: properties that every type has, and that say nothing here.
    """

    name: ClassVar[str]
    unasked: ClassVar[frozenset[str]] = frozenset()

    @property
    def version(self) -> str:
        """That of the package whose provider this stands in for."""
        return version(f"pulumi-{self.name}")

    def load(self) -> None:
        """Make every type known: each module registers its own."""
        for path in sorted((Path(__file__).parent / self.name).glob("*.py")):
            import_module(f"tests.pulumi.provider.{self.name}.{path.stem}")

    @abstractmethod
    def place(self, config: Mapping[str, Any]) -> P:
        """Return where it is.

        Raises:
            ValueError: it is not on this machine.
        """

    @abstractmethod
    def look_up(self, token: str, place: P, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Answer what a program asks without making anything.

        Raises:
            UnknownKindError: the stand-in does not know the question.
        """

    @abstractmethod
    def is_gone(self, error: Exception) -> bool:
        """Return whether the cloud says that there is no such thing."""


def cloud_named(name: str) -> Cloud[Any]:
    """Return a cloud by its name."""
    found: Cloud[Any] = import_module(f"tests.pulumi.provider.{name}.stand_in").CLOUD
    return found
