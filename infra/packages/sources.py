"""Our own part of a package: what the functions import, and the user's project."""

from pathlib import Path
from typing import Final

from loopwright.errors import NotFoundError

ROOT: Final = Path(__file__).parents[2]
"""Of the repository."""

_OURS: Final = ("adapters", "functions", "loopwright")
_OTHER_PLACES: Final = frozenset(
    {"adapters/local", "adapters/memory", "functions/container.py", "functions/up.py", "functions/worker"}
)
"""What runs on one machine only, or in a container."""

PROJECT: Final = "project"
"""The folder of the user's project in a package."""


def own_files(project: Path, root: Path = ROOT) -> dict[str, Path]:
    """Return the modules of a package by their names in it.

    Raises:
        NotFoundError: the project's folder has no `project.py`.
    """
    found = {name: path for folder in _OURS for name, path in modules(root / folder, folder).items()}
    ours = {
        name: path for name, path in found.items() if not any(f"{name}/".startswith(f"{one}/") for one in _OTHER_PLACES)
    }
    return ours | project_files(project)


def project_files(project: Path) -> dict[str, Path]:
    """Return the project's modules by their names in a package; see `own_files`."""
    if not (project / "project.py").is_file():
        raise NotFoundError(f"no project.py in {project}: name a project's folder, or make one with `loopwright init`")
    return modules(project, PROJECT)


def modules(folder: Path, name: str) -> dict[str, Path]:
    """Return the Python modules below a folder as if the folder had that name; nothing hidden is among them."""
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*.py"))}
    return {
        f"{name}/{relative.as_posix()}": path
        for relative, path in found.items()
        if not any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
    }
