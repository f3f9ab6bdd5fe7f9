"""Programs of other people that tests run: installed once under `.tools/`, in versions that stand here."""

import fcntl
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TOOLS: Final = ROOT / ".tools"
MINISTACK: Final = "ministack==1.5.33"
LAMBDA_CLIENT: Final = "awslambdaric==4.2.2"


class MissingToolError(RuntimeError):
    """A program is not here and cannot be had; the message says which, and why."""


@contextmanager
def once(name: str) -> Iterator[Path]:
    """Hold a lock, across processes, for making `.tools/<name>`; its path is yielded."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield TOOLS / name


def made(name: str, make: Callable[[Path], None]) -> Path:
    """Return `.tools/<name>`, made by `make` if it is not there yet; what breaks off half-way is made anew.

    Raises:
        MissingToolError: it could not be made.
    """
    with once(name) as place:
        done = place / ".done"
        if not done.exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            make(place)
            done.touch()
    return place


@cache
def ministack_python() -> Path:
    """Return the interpreter that has ministack; it has an environment of its own, for it pins botocore."""
    return made(MINISTACK.replace("==", "-"), _environment(MINISTACK)) / "bin" / "python"


@cache
def lambda_client() -> Path:
    """Return a folder with the Lambda runtime's client, and nothing besides, to be put on an interpreter's path."""
    return made(LAMBDA_CLIENT.replace("==", "-"), _folder(LAMBDA_CLIENT))


def _environment(package: str) -> Callable[[Path], None]:
    def make(place: Path) -> None:
        venv.create(place, with_pip=_uv() is None)
        _install("--python", place / "bin" / "python", package) if _uv() else _pip(place / "bin" / "python", package)

    return make


def _folder(package: str) -> Callable[[Path], None]:
    def make(place: Path) -> None:
        if _uv():
            _install("--python", sys.executable, "--target", place, package)
            return
        venv.create(place / ".pip", with_pip=True)
        _pip(place / ".pip" / "bin" / "python", "--target", place, package)

    return make


def _uv() -> str | None:
    here = TOOLS / "bin" / "uv"
    return shutil.which("uv") or (str(here) if here.exists() else None)


def _install(*arguments: str | Path) -> None:
    run(_uv() or "uv", "pip", "install", "--quiet", *arguments)


def _pip(python: Path, *arguments: str | Path) -> None:
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)


def run(*command: str | Path, cwd: Path | None = None) -> None:
    """Run what makes a tool.

    Raises:
        MissingToolError: it failed; the message has the end of what it said.
    """
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except OSError as error:
        raise MissingToolError(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise MissingToolError(f"{' '.join(map(str, command))} exited with {done.returncode}: {done.stderr[-800:]}")
