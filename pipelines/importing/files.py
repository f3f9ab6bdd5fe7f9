"""Artifacts on their way: a file at a time, through this machine's disk, in little memory."""

from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager
from tempfile import TemporaryFile

from loopwright.errors import UnavailableError
from loopwright.ports.blobs import Blobs
from loopwright.tracking.artifact_paths import key_under, path_under
from pipelines.importing.shapes import File

Opener = Callable[[str], AbstractContextManager[Generator[bytes]]]
"""Gives the pieces of the file at a path."""


def bring_files(blobs: Blobs, root: str, files: Iterable[File], opened: Opener) -> tuple[int, int]:
    """Bring the files that are not here in their size, and return how many there are now, and their bytes.

    Raises:
        UnavailableError: the server breaks off, or a file is not as long as it says.
        InvalidInputError: a path is none that is kept.
    """
    here = {path_under(root, info.key): info.size for info in blobs.list(f"{root}/")}
    for file in files:
        # A server that does not tell a size says 0.
        if here.get(file.path) != file.file_size or not file.file_size:
            here[file.path] = _bring(blobs, key_under(root, file.path), file, opened)
    return len(here), sum(here.values())


def _bring(blobs: Blobs, key: str, file: File, opened: Opener) -> int:
    with TemporaryFile(prefix="loopwright-import-") as passing:
        with opened(file.path) as pieces:
            size = sum(passing.write(piece) for piece in pieces)
        if file.file_size and size != file.file_size:
            raise UnavailableError(f"artifact {file.path!r} came with {size:,} bytes, not {file.file_size:,}")
        passing.seek(0)
        blobs.put_file(key, passing)
    return size
