"""Packages as they are deployed: built once for this machine's Python, and unzipped where a test can run them."""

import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from infra.packages import Kind, Package, build_package
from infra.packages.kinds import RECIPES, Recipe
from infra.packages.sources import ROOT

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
PROJECT = ROOT / "examples" / "flights"
# A package of the kit's own, so that a test of the builder waits for no large library.
SMALL = Recipe(("serve",), (*RECIPES["serve"].left_out, "numpy", "onnxruntime"), RECIPES["serve"].budget, ())

Unzipped = Callable[[Kind], Path]


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Kind], Package]:
    """Packages that this machine can run; what a run before has built is found in the cache of the repository."""

    def built(kind: Kind) -> Package:
        return build_package(kind, project=PROJECT, python_version=HERE, cache=ROOT / ".loopwright" / "packages")

    return built


@pytest.fixture(scope="session")
def unzipped(packages: Callable[[Kind], Package], tmp_path_factory: pytest.TempPathFactory) -> Unzipped:
    known: dict[Kind, Path] = {}

    def folder(kind: Kind) -> Path:
        if kind not in known:
            known[kind] = unzip(packages(kind).path, tmp_path_factory.mktemp(kind))
        return known[kind]

    return folder


def unzip(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path) as archive:
        archive.extractall(folder)
    return folder


def run_isolated(package: Path, code: str, environment: Mapping[str, str] | None = None) -> str:
    """Run code where only the package can be imported, and return what it wrote to either side."""
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(package)!r})\n{code}"]
    done = subprocess.run(command, env=dict(environment or {}), capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
