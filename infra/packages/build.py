"""Builds packages, each once: what was built from the same inputs is found in the cache."""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infra.packages.archive import files_below, write_zip
from infra.packages.bytecode import compile_all, interpreter_of
from infra.packages.kinds import RECIPES, Architecture, Kind, Recipe
from infra.packages.package import Package, check_package, read_package
from infra.packages.requirements import install, locked_requirements
from infra.packages.sources import ROOT, modules, own_files
from infra.packages.trim import trim

KEPT: Final = 8
"""So many packages of a kind stay in the cache, the newest: for several targets, and for going back a step."""

_BUILDER: Final = "infra/packages"


def build_package(
    kind: Kind,
    *,
    project: Path,
    python_version: str = "3.13",
    architecture: Architecture = "x86_64",
    cache: Path,
    recipe: Recipe | None = None,
) -> Package:
    """Return the package of a kind: the lock file's libraries, our modules, and the project's as `project/`.

    The same inputs give the same bytes, in any folder, at any time; bytecode is in it where this machine has a CPython
    of the target's version.

    Raises:
        NotFoundError: uv or `project.py` is not there, or a library has no wheel for the target; the message names it.
        DefinitionError: the lock file does not fit, a module does not compile, or a forbidden library is in it.
        InvalidInputError: it is over its budget; `problems` are its largest parts.
        UnavailableError: the libraries could not be fetched.
    """
    wanted = recipe or RECIPES[kind]
    requirements = locked_requirements(wanted, ROOT)
    interpreter = interpreter_of(python_version, ROOT)
    ours = own_files(project.resolve())
    target = f"{kind} {python_version} {architecture} {'compiled' if interpreter else 'not compiled'}"
    inputs = _digest(ours | modules(ROOT / _BUILDER, _BUILDER), target, requirements)
    path = cache / f"{kind}-{inputs[:32]}.zip"
    if not path.is_file():
        with tempfile.TemporaryDirectory(prefix="package-") as folder:
            content = Path(folder) / "content"
            install(requirements, content, python_version=python_version, architecture=architecture, root=ROOT)
            trim(content)
            _copy(ours, content)
            if interpreter:
                compile_all(content, interpreter)
            write_zip(files_below(content), path)
        _forget_old(cache, kind)
    package = read_package(path)
    check_package(package, kind, wanted)
    return package


def _forget_old(cache: Path, kind: Kind) -> None:
    newest = sorted(cache.glob(f"{kind}-*.zip"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest[KEPT:]:
        path.unlink(missing_ok=True)


def _digest(files: Mapping[str, Path], *words: str) -> str:
    """Return the digest of named files and words, 64 hex digits."""
    total = hashlib.sha256()
    for name, data in [("", word.encode()) for word in words] + [
        (name, files[name].read_bytes()) for name in sorted(files)
    ]:
        total.update(f"{name}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()


def _copy(files: Mapping[str, Path], folder: Path) -> None:
    for name, path in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
