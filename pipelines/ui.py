"""MLflow's UI put among the blobs, from where the tracking function serves it.

It is a bundle of static files inside MLflow's wheel (Apache-2.0). It is taken from an installed `mlflow` without
importing it, from a wheel or a folder that is named, or from the one wheel that is fetched by its name and digest.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Final

from loopwright.errors import InvalidInputError, NotFoundError, UnavailableError
from loopwright.pages import Bundle, Page, Pages, digest_of
from loopwright.ports import Blobs

VERSION: Final = "3.17.2"
"""What is fetched where nothing is installed or named; the calls of its pages are those that are answered."""

DIGEST: Final = "4e44c03791beb518d8b0a40b0982d958c2634d902f46d67d7907c82107f21fac"

_INSIDE: Final = "mlflow/server/js/build"
_ROOT: Final = Path(__file__).parents[1]
_WRITERS: Final = 8
_KINDS: Final = {
    "cjs": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "eot": "application/vnd.ms-fontobject",
    "html": "text/html; charset=utf-8",
    "ico": "image/vnd.microsoft.icon",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "mjs": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
    "ttf": "font/ttf",
    "txt": "text/plain; charset=utf-8",
    "woff": "font/woff",
    "woff2": "font/woff2",
}
"""Written down, for what a machine knows of endings differs from machine to machine."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where the files are: MLflow's version, the folder of its UI, and words for people."""

    version: str
    folder: Traversable
    told: str


@dataclass(frozen=True, slots=True)
class Placed:
    """What was done.

    Attributes:
        version: MLflow's.
        files: how many the bundle has.
        size: of all files, in bytes, as a browser sees them.
        written: how many had to be put; the others were there.
        stored: the size of those, compressed.
        changed: whether another bundle, or none, was served before.
    """

    version: str
    files: int
    size: int
    written: int
    stored: int
    changed: bool


Told = Callable[[int, int], None]
"""Is told how many files have been put, and of how many."""


def place(blobs: Blobs, source: Source, told: Told = lambda _done, _all: None) -> Placed:
    """Put the files that are not there yet, then serve them. May be broken off, repeated, and done by several at once.

    Raises:
        NotFoundError: the folder has no page to begin with.
        UnavailableError: a file could not be put; what is served is what was.
    """
    files = dict(_read(source.folder))
    if "index.html" not in files:
        raise NotFoundError(f"{source.told} has no index.html in {_INSIDE}: it is not MLflow as it is released")
    listed = {path: Page(digest_of(data), _kind(path), len(data)) for path, data in files.items()}
    pages = Pages(blobs)
    there = pages.stored(source.version)
    wanted = {page.digest: files[path] for path, page in listed.items() if page.digest not in there}
    stored = 0
    with ThreadPoolExecutor(_WRITERS) as pool:
        putting = pool.map(lambda data: pages.put(source.version, data), wanted.values())
        for done, size in enumerate(putting, start=1):
            stored += size
            told(done, len(wanted))
    changed = pages.serve(Bundle(source.version, listed))
    whole = sum(page.size for page in listed.values())
    return Placed(source.version, len(listed), whole, len(wanted), stored, changed)


@contextmanager
def located(named: Path | None = None) -> Iterator[Source]:
    """Yield where the files are: in what is named, else in an installed `mlflow`, else in a wheel that is fetched.

    Raises:
        InvalidInputError: what is named has no UI of MLflow's.
        UnavailableError: nothing is installed, and the wheel cannot be fetched.
    """
    if named and named.is_file():
        with _opened(named) as wheel:
            yield _in_wheel(named, wheel)
        return
    found = _named(named) if named else _installed()
    if found:
        yield found
        return
    with tempfile.TemporaryDirectory() as folder:
        fetch(Path(folder))
        yield Source(VERSION, Path(folder, _INSIDE), f"mlflow {VERSION} from the package index")


def fetch(folder: Path) -> None:
    """Unpack the one wheel into a folder, without what it depends on; whoever fetches it checks its digest.

    Raises:
        UnavailableError: it cannot be fetched; the message has what the installer says.
    """
    listed = folder / "wheel.txt"
    listed.write_text(f"mlflow=={VERSION} --hash=sha256:{DIGEST}\n")
    installer = _installer()
    command = [*installer, "install", "--quiet", "--target", str(folder), "--no-deps", "--only-binary", ":all:"]
    # In a folder of its own: uv would add the constraints of a project around it, which have no hashes.
    done = subprocess.run(  # noqa: S603 - our own words
        [*command, "--require-hashes", "--requirement", str(listed)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UnavailableError(
            f"mlflow {VERSION} is not installed here and could not be fetched; name a wheel or a folder that has it "
            f"with --from; {installer[0]} says: {' '.join(done.stderr.split())[-400:]}"
        )


def _installer() -> list[str]:
    """Return the words that uv or pip is started with; what uv runs is told by it where it is."""
    own = _ROOT / ".tools" / "bin" / "uv"
    uv = shutil.which("uv") or os.environ.get("UV") or (str(own) if own.is_file() else None)
    return [uv, "pip"] if uv else [sys.executable, "-m", "pip"]


def _named(path: Path) -> Source:
    for folder in (path, *sorted(path.glob("lib/python*/site-packages"))):
        version = folder / "mlflow" / "version.py"
        if (folder / _INSIDE).is_dir() and version.is_file():
            return Source(_version(version.read_text(), path), folder / _INSIDE, str(path))
    raise InvalidInputError(
        f"{path} has no {_INSIDE}: name a wheel of mlflow (not mlflow-skinny), an environment, or its site-packages"
    )


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise InvalidInputError(f"{path} is no wheel of mlflow: {error}") from error


def _in_wheel(path: Path, wheel: zipfile.ZipFile) -> Source:
    if not any(name.startswith(f"{_INSIDE}/") for name in wheel.namelist()):
        raise InvalidInputError(f"{path} has no {_INSIDE}: name a wheel of mlflow, not one of mlflow-skinny")
    version = _version(wheel.read("mlflow/version.py").decode(), path)
    return Source(version, zipfile.Path(wheel, f"{_INSIDE}/"), str(path))


def _installed() -> Source | None:
    try:
        found = distribution("mlflow")
    except PackageNotFoundError:
        return None
    folder = Path(str(found.locate_file(_INSIDE)))
    return Source(found.version, folder, f"the installed mlflow {found.version}") if folder.is_dir() else None


def _version(text: str, path: Path) -> str:
    found = re.search(r'^VERSION\s*(?::[^=]*)?=\s*"([0-9A-Za-z.+-]+)"', text, re.MULTILINE)
    if found is None:
        raise InvalidInputError(f"{path}: mlflow/version.py does not say which version it is")
    return found[1]


def _read(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            yield from _read(entry, f"{above}{entry.name}/")
        else:
            yield f"{above}{entry.name}", entry.read_bytes()


def _kind(path: str) -> str:
    return _KINDS.get(PurePosixPath(path).suffix.removeprefix("."), "application/octet-stream")
