"""Bytecode of the target's Python, so that a cold start compiles nothing.

It is marked as unchecked: whatever times the files have on the other side, the interpreter takes it as it is.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

from infra.packages.requirements import find_uv
from loopwright.errors import DefinitionError

PLACE: Final = "/var/task"
"""Where Lambda unzips a package: the paths in tracebacks begin with it."""

_VERSION: Final = "import sys; print('%s %d.%d' % (sys.implementation.name, *sys.version_info[:2]))"


def interpreter_of(python_version: str, root: Path) -> Path | None:
    """Return a CPython of that version on this machine, or None: bytecode of another one would be ignored there."""
    own = f"{platform.python_implementation().lower()} {sys.version_info[0]}.{sys.version_info[1]}"
    if own == f"cpython {python_version}":
        return Path(sys.executable)
    command = [find_uv(root), "python", "find", "--no-project", "--system", "--no-python-downloads"]
    found = subprocess.run([*command, python_version], capture_output=True, text=True, check=False)  # noqa: S603
    path = found.stdout.strip()
    if found.returncode or not path:
        return None
    told = subprocess.run([path, "-I", "-c", _VERSION], capture_output=True, text=True, check=False)  # noqa: S603
    return Path(path) if told.stdout.strip() == f"cpython {python_version}" else None


def compile_all(folder: Path, interpreter: Path) -> None:
    """Compile every module below the folder.

    One process, one order, no random hashes: the same modules give the same bytes.

    Raises:
        DefinitionError: a module is no Python of that version.
    """
    command = [str(interpreter), "-s", "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", str(folder), "-p", PLACE, str(folder)]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": "", "PYTHONPYCACHEPREFIX": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise DefinitionError(f"a module of the package does not compile: {done.stdout.strip()} {done.stderr.strip()}")
