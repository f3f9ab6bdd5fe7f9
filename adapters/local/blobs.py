"""Objects as files under one folder, `a/b/c` as `a~/b~/c`: so `a/b` may be an object too."""

import fcntl
import os
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final

from typing_extensions import override

from adapters.local.border import translated
from adapters.rules import check_blob_key, check_expected
from loopwright.errors import CapabilityError, NotFoundError
from loopwright.hashing import digest
from loopwright.ports.blobs import Absent, Blob, BlobInfo, Blobs, Match

_LOCKS: Final = 64
_STALE: Final = 3600.0
"""Seconds after which a draft belongs to a process that died."""


class LocalBlobs(Blobs):
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
        path = self._path(key)
        try:
            with translated(f"read blob {key}"):
                data = path.read_bytes()
        except Exception as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise NotFoundError(f"blob {key}") from error
            raise
        return Blob(data, digest(data))

    @override
    def put(self, key: str, data: bytes, *, expect: Absent | Match | None = None) -> str:
        path = self._path(key)
        with translated(f"write blob {key}"), self._draft(data) as draft, self._locked(key):
            if expect is not None:
                check_expected(key, expect, _etag(path))
            path.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(path)
            _keep_names(path.parent)
        return digest(data)

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
    def _draft(self, data: bytes) -> Iterator[Path]:
        """Write the bytes to disk under another name, which is gone after the block."""
        descriptor, name = tempfile.mkstemp(dir=self._drafts)
        draft = Path(name)
        try:
            with open(descriptor, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
                file.write(data)
                file.flush()
                os.fsync(descriptor)
            yield draft
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
    return digest(path.read_bytes())


def _keep_names(folder: Path) -> None:
    """Force the folder's list of names to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
