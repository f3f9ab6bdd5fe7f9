"""The libraries of a package: exactly those of the lock file, as wheels for the machine that will run them."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from infra.packages.kinds import Architecture, Recipe
from loopwright.errors import DefinitionError, NotFoundError, UnavailableError

_PLATFORMS: Final[Mapping[Architecture, str]] = {
    # glibc 2.28: Amazon Linux 2023, on which Lambda runs every Python since 3.12, has 2.34.
    "x86_64": "x86_64-manylinux_2_28",
    "arm64": "aarch64-manylinux_2_28",
}
_NO_WHEEL: Final = re.compile(r"([A-Za-z0-9][\w.-]*)(?:==\S+)? has no (?:usable wheels|wheels|[\w ]*wheels? with)")


def find_uv(root: Path) -> str:
    """Return uv's path, or raise `NotFoundError`; what uv runs is told by it where it is."""
    own = root / ".tools" / "bin" / "uv"
    found = shutil.which("uv") or os.environ.get("UV") or (str(own) if own.is_file() else None)
    if found is None:
        raise NotFoundError(
            "packages are built with uv, which is not on PATH: `make setup` installs it into .tools/bin"
        )
    return found


def locked_requirements(recipe: Recipe, root: Path) -> str:
    """Return what the lock file says of the recipe's libraries: versions, markers and hashes.

    Raises:
        DefinitionError: the lock file does not fit `pyproject.toml`.
        NotFoundError: uv is not there.
    """
    extras = [word for extra in recipe.extras for word in ("--extra", extra)]
    left_out = [word for name in recipe.left_out for word in ("--prune", name)]
    command = [
        find_uv(root),
        "export",
        "--locked",
        "--quiet",
        "--no-default-groups",
        "--no-emit-project",
        "--no-header",
    ]
    command += ["--no-annotate", "--format", "requirements.txt", "--project", str(root), *extras, *left_out]
    done = _run(command, cwd=root)
    if done.returncode:
        raise DefinitionError(f"uv.lock does not fit pyproject.toml, run `uv lock`: {done.stderr.strip()}")
    return done.stdout


def install(
    requirements: str,
    target: Path,
    *,
    python_version: str,
    architecture: Architecture,
    root: Path,
    uv: str | None = None,
) -> None:
    """Install the requirements into the folder; each file is checked against its hash.

    Raises:
        NotFoundError: a distribution has no wheel for that machine and that Python; the message names it.
        UnavailableError: the libraries could not be fetched.
    """
    listed = target.with_name(f"{target.name}.txt")
    listed.write_text(requirements)
    command = [uv or find_uv(root), "pip", "install", "--quiet", "--target", str(target), "--link-mode", "copy"]
    command += ["--python-platform", _PLATFORMS[architecture], "--python-version", python_version]
    command += ["--only-binary", ":all:", "--no-deps", "--require-hashes", "--requirements", str(listed)]
    # In a folder of its own: uv would add the constraints of a project around it, which have no hashes.
    done = _run(command, cwd=target.parent)
    if not done.returncode:
        return
    told = " ".join(done.stderr.split())
    if missing := _NO_WHEEL.search(told):
        raise NotFoundError(
            f"{missing[1]} has no wheel for Python {python_version} on {_PLATFORMS[architecture]}: choose another "
            f"python_version or architecture, or another version of {missing[1]}; uv says: {told}"
        )
    raise UnavailableError(f"the libraries of the package could not be installed; uv says: {told}")


def _run(command: Sequence[str], *, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
