"""Where a run's code comes from: commit, uncommitted changes, the files themselves, the installed packages."""

import ast
import inspect
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import loopwright
from loopwright.definitions.model import Model
from loopwright.hashing import digest, digest_of

_KIT: Final = Path(loopwright.__file__).parent.parent
_KIT_PACKAGES: Final = ("adapters", "loopwright", "pipelines")
_GIT_SECONDS: Final = 20.0

_ACCESS: Final = "access.py"
_OF_ACCESS: Final = (ast.Call, ast.Name, ast.Starred, ast.Tuple, ast.expr_context, ast.keyword)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a run's code comes from.

    Attributes:
        commit: what was checked out; empty: no repository, or no git.
        dirty: the difference to that commit, as a patch, and the names of files that git does not know.
        code: the digest of the files of the project and of the kit, whatever git says.
        environment: `name==version` of what is installed, a line each, Python first.
    """

    commit: str
    dirty: str
    code: str
    environment: str

    @property
    def environment_digest(self) -> str:
        """The digest of the environment."""
        return digest(self.environment.encode())


def provenance_of(model: Model) -> Provenance:
    """Return where the code of a model comes from, as it is on disk now."""
    folder = project_folder(model)
    commit = _git(folder, "rev-parse", "HEAD").strip()
    return Provenance(commit, _dirty(folder) if commit else "", code_of(folder), environment_of())


def project_folder(model: Model) -> Path:
    """Return the folder of the file that defines the model's training function."""
    return Path(inspect.getsourcefile(model.train) or ".").resolve().parent


def code_of(folder: Path) -> str:
    """Return the digest of every Python file in the project's folder and in the kit's packages.

    An `access.py` of the project that says who may see things, and nothing else, is left out: no model depends on it.
    """
    files = {f"project/{name}": data for name, data in _sources(folder) if not _is_access(name, data)}
    for package in _KIT_PACKAGES:
        files |= {f"{package}/{name}": data for name, data in _sources(_KIT / package)}
    return digest_of({name: digest(data) for name, data in files.items()})


def environment_of() -> str:
    """Return the installed distributions as `name==version`, sorted, the interpreter first.

    They are read off the names of their `.dist-info` folders, which tells the same as their metadata and a hundred
    times faster.
    """
    folders = [found for place in sys.path for found in Path(place).glob("*-*.dist-info")]
    names = {"==".join(folder.name.removesuffix(".dist-info").rsplit("-", 1)) for folder in folders}
    lines = sorted(name.lower().replace("_", "-") for name in names)
    return "\n".join([f"python=={platform.python_version()}", *lines]) + "\n"


def versions_of(environment: str) -> Mapping[str, str]:
    """Return an environment as a mapping from a distribution to its version."""
    return dict(line.split("==", 1) for line in environment.splitlines() if "==" in line)


def _sources(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder)
        if not any(part.startswith((".", "__pycache__")) for part in name.parts):
            yield name.as_posix(), path.read_bytes()


def _is_access(name: str, data: bytes) -> bool:
    """Return whether a file has nothing in it but `Access` and what it is made of."""
    return name == _ACCESS and all(_is_about_people(one) for one in ast.parse(data).body)


def _is_about_people(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Constant()):
            return True
        case ast.ImportFrom(module="loopwright.definitions", names=names):
            return all(one.name in {"Access", "Grant"} for one in names)
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return all(map(_is_of_access, ast.walk(value))) and _calls(value) <= {"Access", "Grant"}
        case _:
            return False


def _is_of_access(node: ast.AST) -> bool:
    return isinstance(node, _OF_ACCESS) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _calls(value: ast.expr) -> set[str]:
    calls = (one.func for one in ast.walk(value) if isinstance(one, ast.Call))
    return {one.id if isinstance(one, ast.Name) else "" for one in calls}


def _dirty(folder: Path) -> str:
    patch = _git(folder, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "HEAD")
    unknown = _git(folder, "ls-files", "--others", "--exclude-standard", "--full-name", ":/")
    listed = "".join(f"# not in the repository: {name}\n" for name in unknown.splitlines())
    return patch + listed


def _git(folder: Path, *arguments: str) -> str:
    """Return what git prints, or nothing where there is no git, no repository or no commit."""
    command = ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments]
    try:
        # The command is fixed; the folder is the project's own.
        done = subprocess.run(command, capture_output=True, timeout=_GIT_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""
