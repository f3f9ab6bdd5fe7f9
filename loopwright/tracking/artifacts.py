"""Files of any size under a root of their owner: a run, a logged model."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

from loopwright.errors import (
    CapabilityError,
    DeniedError,
    InvalidInputError,
    LoopwrightError,
    NotFoundError,
    UnavailableError,
)
from loopwright.ports.blobs import PARTS_LIMIT, BlobInfo, Blobs, Part, Reading
from loopwright.tracking.artifact_paths import key_under, path_under


@dataclass(frozen=True, slots=True)
class ArtifactEntry:
    """What stands in a folder: a file with its size in bytes, or a folder (None)."""

    path: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a client uploads in parts: the upload's identity, and a URL for each part from 1 on."""

    id: str
    urls: Sequence[str]


class Artifacts:
    """Reads, writes and lists the artifacts under a root. Paths are `safe_path`s; others are an `InvalidInputError`."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def read(self, root: str, path: str) -> Reading:
        """Begin to read a file.

        Raises:
            NotFoundError: there is none.
            InvalidInputError: it is a folder.
        """
        key = key_under(root, path)
        try:
            return self._blobs.read(key)
        except NotFoundError as error:
            raise self._missing(key, path) from error

    def size(self, root: str, path: str) -> int:
        """Return a file's size in bytes; or raise what `read` raises."""
        key = key_under(root, path)
        found = next(self._blobs.list(key), None)
        if found is None or found.key != key:
            raise self._missing(key, path)
        return found.size

    def put(self, root: str, path: str, file: IO[bytes]) -> None:
        """Write a file whole, or replace it; see `Blobs.put_file`."""
        self._blobs.put_file(key_under(root, path), file)

    def delete(self, root: str, path: str) -> None:
        """Remove a file, or a folder with all that is in it; do nothing when there is none."""
        for info in list(self._under(root, path)):
            self._blobs.delete(info.key)
        if path:
            self._blobs.delete(key_under(root, path))

    def entries(self, root: str, path: str = "") -> list[ArtifactEntry]:
        """Return what is in a folder (empty: in the root), by path; nothing for a file, and where there is nothing."""
        start = f"{path}/" if path else ""
        found: dict[str, int | None] = {}
        for info in self._under(root, path):
            name, below, _ = path_under(root, info.key).removeprefix(start).partition("/")
            found[start + name] = None if below else info.size
        return [ArtifactEntry(each, size) for each, size in sorted(found.items())]

    def url(self, root: str, path: str, *, seconds: int) -> str:
        """Return a URL to read a file from; or raise `CapabilityError`."""
        return self._blobs.signed_url(key_under(root, path), method="GET", seconds=seconds)

    def signs(self) -> bool:
        """Say whether this process can give URLs: it may lack the provider's, or a key to sign with."""
        try:
            self._blobs.signed_url("anything", method="GET", seconds=60)
        except (CapabilityError, DeniedError, UnavailableError):
            return False
        return True

    def begin(self, root: str, path: str, *, parts: int, seconds: int) -> Upload:
        """Begin an upload in parts.

        Raises:
            CapabilityError: this provider has none.
            DeniedError: this process has no key to sign URLs with.
            InvalidInputError: it is no number of parts.
        """
        key = key_under(root, path)
        if not 1 <= parts <= PARTS_LIMIT:
            raise InvalidInputError(
                f"artifact {path!r}: an upload has 1 to {PARTS_LIMIT:,} parts, not {parts:,}: "
                "set MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE so that they are fewer"
            )
        upload = self._blobs.begin_upload(key)
        try:
            return Upload(upload, self._blobs.part_urls(key, upload, parts, seconds=seconds))
        except LoopwrightError:
            self._blobs.abort_upload(key, upload)
            raise

    def end(self, root: str, path: str, upload: str, parts: Sequence[Part]) -> None:
        """Make the file of its parts; see `Blobs.end_upload`."""
        self._blobs.end_upload(key_under(root, path), upload, parts)

    def abort(self, root: str, path: str, upload: str) -> None:
        """Forget an upload; do nothing when there is none."""
        self._blobs.abort_upload(key_under(root, path), upload)

    def _under(self, root: str, path: str) -> Iterator[BlobInfo]:
        return self._blobs.list(f"{key_under(root, path) if path else root}/")

    def _missing(self, key: str, path: str) -> InvalidInputError | NotFoundError:
        if next(self._blobs.list(f"{key}/"), None) is not None:
            return InvalidInputError(f"Artifact path refers to a directory, not a file: {path!r}: list it")
        return NotFoundError(f"there is no artifact {path!r}: list those that there are")
