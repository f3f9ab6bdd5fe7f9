"""Objects in a dictionary."""

import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import IO, Final

from typing_extensions import override

from adapters.rules import check_blob_key, check_expected
from adapters.whole_uploads import WholeUploads
from loopwright.clock import Clock
from loopwright.errors import CapabilityError, NotFoundError
from loopwright.hashing import digest
from loopwright.ports.blobs import Absent, Blob, BlobInfo, Match, Reading


@dataclass(frozen=True, slots=True)
class _Object:
    blob: Blob
    modified: float


_PIECE: Final = 1024 * 1024


class MemoryBlobs(WholeUploads):
    """Objects in a dictionary, for tests and as the reference."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._objects: dict[str, _Object] = {}
        self._lock = threading.Lock()

    @override
    def get(self, key: str) -> Blob:
        check_blob_key(key)
        try:
            return self._objects[key].blob
        except KeyError:
            raise NotFoundError(f"blob {key}") from None

    @override
    def put(self, key: str, data: bytes, *, expect: Absent | Match | None = None) -> str:
        check_blob_key(key)
        blob = Blob(bytes(data), digest(data))
        with self._lock:
            current = self._objects.get(key)
            check_expected(key, expect, current.blob.etag if current else None)
            self._objects[key] = _Object(blob, self._clock())
        return blob.etag

    @override
    def read(self, key: str) -> Reading:
        data = self.get(key).data
        return Reading(len(data), _pieces(data))

    @override
    def put_file(self, key: str, file: IO[bytes]) -> str:
        return self.put(key, file.read())

    @override
    def delete(self, key: str) -> None:
        check_blob_key(key)
        with self._lock:
            self._objects.pop(key, None)

    @override
    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        with self._lock:
            found = [(key, self._objects[key]) for key in sorted(self._objects) if key.startswith(prefix)]
        for key, stored in found:
            yield BlobInfo(key, stored.blob.etag, len(stored.blob.data), stored.modified)

    @override
    def signed_url(self, key: str, *, method: str, seconds: int) -> str:
        raise CapabilityError("the memory provider has no URLs: read the object through `get`")


def _pieces(data: bytes) -> Generator[bytes]:
    for start in range(0, len(data), _PIECE):
        yield data[start : start + _PIECE]
