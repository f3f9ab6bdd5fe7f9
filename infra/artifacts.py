"""What is built before anything is deployed: the packages of the functions and the archive of the image."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

from infra.config import StackConfig

ZipKind = Literal["serve", "lake", "tracking"]

CACHE: Final = Path(".loopwright") / "packages"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file to upload; `digest` changes when, and only when, its content does."""

    path: Path
    digest: str


class Artifacts(Protocol):
    """Builds what a stack needs, or finds it built."""

    def package(self, kind: ZipKind) -> Artifact:
        """Return the zip of a kind of function."""
        ...

    def image_context(self) -> Artifact:
        """Return the archive out of which the provider's image is built, a Dockerfile among it."""
        ...


class BuiltArtifacts:
    """Built on this machine, without Docker, from the lock file."""

    def __init__(self, config: StackConfig, root: Path) -> None:
        self._config = config
        self._root = root

    def package(self, kind: ZipKind) -> Artifact:
        """Return the zip of a kind of function; the same content gives the same bytes."""
        from infra.packages import build_package  # noqa: PLC0415 - building tools are for those who build

        built = build_package(
            kind,
            project=self._config.folder,
            python_version=self._config.python_version,
            architecture=self._config.architecture,
            cache=self._root / CACHE,
        )
        return Artifact(built.path, built.digest)

    def image_context(self) -> Artifact:
        """Return the archive out of which the provider's image is built."""
        from infra.packages.image import build_image_context  # noqa: PLC0415

        built = build_image_context(
            project=self._config.folder,
            python_version=self._config.python_version,
            cloud=self._config.provider,
            cache=self._root / CACHE,
        )
        return Artifact(built.path, built.digest)
