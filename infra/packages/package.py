"""A package that was built: its size, its digest, its largest parts."""

import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from infra.packages.archive import content_digest
from infra.packages.kinds import MIB, Kind, Recipe
from loopwright.errors import DefinitionError, InvalidInputError

_LARGEST = 12


@dataclass(frozen=True, slots=True)
class Package:
    """A zip that can be deployed.

    Attributes:
        path: of the zip.
        digest: of its content, 64 hex digits; the same on every machine.
        unzipped_bytes: what all of its files have together.
        largest: its largest parts and their bytes unzipped, the largest first.
        compiled: whether bytecode of the target's Python is in it; without, a cold start compiles everything.
    """

    path: Path
    digest: str
    unzipped_bytes: int
    largest: tuple[tuple[str, int], ...]
    compiled: bool


def read_package(path: Path) -> Package:
    """Return what the zip says of itself."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    sizes = Counter[str]()
    for entry in entries:
        sizes[PurePosixPath(entry.filename).parts[0]] += entry.file_size
    compiled = any(entry.filename.endswith(".pyc") for entry in entries)
    return Package(path, content_digest(path), sizes.total(), tuple(sizes.most_common(_LARGEST)), compiled)


def check_package(package: Package, kind: Kind, recipe: Recipe) -> None:
    """Check that a package keeps to its recipe.

    Raises:
        InvalidInputError: it is over its budget; `problems` are its largest parts.
        DefinitionError: it has a library that is forbidden in it.
    """
    with zipfile.ZipFile(package.path) as archive:
        parts = {PurePosixPath(name).parts[0].removesuffix(".py") for name in archive.namelist()}
    if found := sorted(parts & set(recipe.forbidden)):
        raise DefinitionError(
            f"the package {kind} has {', '.join(found)}, which it must not have: look with `uv tree --invert --package "
            f"{found[0]}` for who depends on it, and leave that out in infra/packages/kinds.py"
        )
    if package.unzipped_bytes <= recipe.budget:
        return
    parts_told = tuple(f"{size / MIB:7.1f} MiB  {name}" for name, size in package.largest)
    raise InvalidInputError(
        f"the package {kind} has {package.unzipped_bytes / MIB:.1f} MiB unzipped, over {recipe.budget / MIB:.1f}; "
        "its largest parts:\n" + "\n".join(parts_told),
        parts_told,
    )
