"""Objects as files under one folder, `a/b/c` as `a~/b~/c`: so `a/b` may be an object too."""

import fcntl
import hashlib
import io
import os
import tempfile
import time
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import IO, Final

from typing_extensions import override

from adapters.local.border import translated
from adapters.rules import check_blob_key, check_expected
from adapters.whole_uploads import WholeUploads
from loopwright.errors import CapabilityError, NotFoundError
from loopwright.hashing import digest
from loopwright.ports.blobs import Absent, Blob, BlobInfo, Match, Reading

_LOCKS: Final = 64
_STALE: Final = 3600.0
"""Seconds after which a draft that nobody writes to belongs to a process that died."""
_PIECE: Final = 1024 * 1024


class LocalBlobs(WholeUploads):
    """Objects as files. A writer holds its key's lock; readers need none, because files are replaced, never changed."""

    def __init__(self, home: Path) -> None:
        self._root = home / "blobs"
        self._drafts = home / "drafts"
        self._locks = home / "locks"
        with translated(f"open {home}"):
            for folder in (self._root, self._drafts, self._locks):
                folder.mkdir(parents=True, exist_ok=True)
            self._sweep()

    @override
    def get(self, key: str) -> Blob:
        with self._opened(key) as file, translated(f"read blob {key}"):
            data = file.read()
        return Blob(data, digest(data))

    @override
    def put(self, key: str, data: bytes, *, expect: Absent | Match | None = None) -> str:
        return self._put(key, io.BytesIO(data), expect)

    @override
    def read(self, key: str) -> Reading:
        file = self._opened(key)
        # A file that is replaced stays what it is for whoever has opened it.
        size, pieces = os.fstat(file.fileno()).st_size, _pieces(key, file)
        # Only who has begun can be told to end, and then closes the file.
        next(pieces)
        return Reading(size, pieces)

    @override
    def put_file(self, key: str, file: IO[bytes]) -> str:
        return self._put(key, file, None)

    @override
    def delete(self, key: str) -> None:
        path = self._path(key)
        with translated(f"delete blob {key}"), self._locked(key):
            path.unlink(missing_ok=True)

    @override
    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        with translated(f"list blobs {prefix}"):
            found = sorted((key, path) for key, path in self._under(prefix) if key.startswith(prefix))
        for key, path in found:
            with translated(f"list blobs {prefix}"):
                info = _info(key, path)
            if info is not None:
                yield info

    @override
    def signed_url(self, key: str, *, method: str, seconds: int) -> str:
        raise CapabilityError("the local provider has no URLs: read the object through `get`")

    def _put(self, key: str, data: IO[bytes], expect: Absent | Match | None) -> str:
        path = self._path(key)
        with translated(f"write blob {key}"), self._draft(data) as (draft, etag), self._locked(key):
            if expect is not None:
                check_expected(key, expect, _etag(path))
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(path)
            _keep_names(path.parent)
        return etag

    def _opened(self, key: str) -> io.BufferedReader:
        path = self._path(key)
        try:
            with translated(f"read blob {key}"):
                return path.open("rb")
        except Exception as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise NotFoundError(f"blob {key}") from error
            raise

    def _path(self, key: str) -> Path:
        check_blob_key(key)
        *folders, name = key.split("/")
        return self._root.joinpath(*(f"{folder}~" for folder in folders), name)

    def _under(self, prefix: str) -> Iterator[tuple[str, Path]]:
        """Yield all objects in the last folder that the prefix names whole."""
        folders = prefix.split("/")[:-1]
        if not all(folders) or ".." in folders:
            return
        for folder, _, names in os.walk(self._root.joinpath(*(f"{each}~" for each in folders))):
            parts = [part.removesuffix("~") for part in Path(folder).relative_to(self._root).parts]
            for name in names:
                yield "/".join((*parts, name)), Path(folder, name)

    @contextmanager
    def _draft(self, data: IO[bytes]) -> Iterator[tuple[Path, str]]:
        """Write the bytes to disk under another name, which is gone after the block; yield it with their digest."""
        descriptor, name = tempfile.mkstemp(dir=self._drafts)
        draft = Path(name)
        try:
            told = hashlib.sha256()
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
                while piece := data.read(_PIECE):
                    told.update(piece)
                    file.write(piece)
                file.flush()
                os.fsync(descriptor)
            yield draft, f"sha256:{told.hexdigest()}"
        finally:
            draft.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """Hold the lock that this key shares with some others: against threads and processes alike."""
        with (self._locks / f"blobs-{zlib.crc32(key.encode()) % _LOCKS}").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _sweep(self) -> None:
        for draft in self._drafts.iterdir():
            try:
                if time.time() - draft.stat().st_mtime > _STALE:
                    draft.unlink()
            except FileNotFoundError:
                continue


def _info(key: str, path: Path) -> BlobInfo | None:
    try:
        found = path.stat()
        etag = _digest_of(path, found.st_ino, found.st_mtime_ns, found.st_size)
    except FileNotFoundError:
        return None
    return BlobInfo(key, etag, found.st_size, found.st_mtime)


def _etag(path: Path) -> str | None:
    info = _info("", path)
    return info.etag if info else None


@lru_cache(maxsize=10_000)
def _digest_of(path: Path, inode: int, modified: int, size: int) -> str:  # noqa: ARG001 - they tell the file's state
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _pieces(key: str, file: io.BufferedReader) -> Generator[bytes]:
    """Yield nothing, and then the file's bytes."""
    with file, translated(f"read blob {key}"):
        yield b""
        while piece := file.read(_PIECE):
            yield piece


def _keep_names(folder: Path) -> None:
    """Force the folder's list of names to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
