"""Programs of other people that tests run: installed once under `.tools/`, in versions that stand here."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
TOOLS: Final = ROOT / ".tools"
MINISTACK: Final = ("ministack==1.5.33", "cryptography==50.0.2")
"""Without the second it believes no signature of a token."""

LAMBDA: Final = ("awslambdaric==4.2.2", "boto3==1.43.106")
"""What Lambda's own Python has."""

_VERSION: Final = "import sys; print('%d.%d' % sys.version_info[:2])"


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
    return made("-".join(MINISTACK).replace("==", "-"), environment(MINISTACK)) / "bin" / "python"


@cache
def lambda_client(python: Path) -> Path:
    """Return a folder with what Lambda's own Python has, and nothing besides, to be put on an interpreter's path.

    Raises:
        MissingToolError: it could not be installed.
    """
    version = _said(python, "-c", _VERSION)
    return made(f"lambda-{version}", lambda place: _install(python, LAMBDA, target=place))


@cache
def interpreter(version: str) -> Path:
    """Return an interpreter of this version of Python.

    Raises:
        MissingToolError: there is none on this machine.
    """
    for found in _interpreters(version):
        try:
            if version == _said(found, "-c", _VERSION):
                return found
        except MissingToolError:
            continue  # a name without the thing behind it
    raise MissingToolError(f"python{version} is not on this machine")


def _interpreters(version: str) -> Iterator[Path]:
    """Yield where an interpreter may be: this one, those on PATH, those that pyenv and uv keep."""
    yield Path(sys.executable)
    for folder in os.get_exec_path():
        if (there := Path(folder) / f"python{version}").exists():
            yield there
    home = Path.home()
    kept = (
        Path(os.environ.get("PYENV_ROOT", home / ".pyenv")) / "versions",
        home / ".local" / "share" / "uv" / "python",
    )
    for root in kept:
        yield from sorted(root.glob(f"*{version}.*/bin/python{version}"))


def environment(packages: Sequence[str]) -> Callable[[Path], None]:
    """Return what makes an environment of its own, with these packages."""

    def make(place: Path) -> None:
        _install(Path(sys.executable), packages, environment=place)

    return make


def _install(
    python: Path, packages: Sequence[str], *, target: Path | None = None, environment: Path | None = None
) -> None:
    """Install packages for an interpreter, into a folder or into an environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        # The interpreter's own environment may have no pip; a new one has, even when it is thrown away afterwards.
        own = environment or Path(folder) / "environment"
        run(python, "-m", "venv", own)
        where = ("--target", target) if target else ()
        run(own / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *where, *packages)


def _said(*command: str | Path) -> str:
    return run(*command).strip()


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Run what makes a tool, and return what it printed.

    Raises:
        MissingToolError: it failed; the message has the end of what it said.
    """
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    except OSError as error:
        raise MissingToolError(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise MissingToolError(f"{' '.join(map(str, command))} exited with {done.returncode}: {done.stderr[-800:]}")
    return done.stdout
