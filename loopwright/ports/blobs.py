"""Objects under keys: model folders, artifacts, checkpoints."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol


@dataclass(frozen=True, slots=True)
class BlobInfo:
    """What a listing says of an object: its key, its entity tag, its size in bytes, when it was last written."""

    key: str
    etag: str
    size: int
    modified: float


@dataclass(frozen=True, slots=True)
class Blob:
    """An object's bytes and the tag of exactly these bytes."""

    data: bytes
    etag: str


@dataclass(frozen=True, slots=True)
class Match:
    """Expect the object to be there with this entity tag."""

    etag: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Expect that there is nothing yet."""


ABSENT: Final = Absent()

KEY_LIMIT: Final = 900
SEGMENT_LIMIT: Final = 200
"""The most characters that a key, and one of its segments, may have on every provider."""


class Blobs(Protocol):
    """Objects under keys such as `models/delays/3/model.onnx`.

    A key is a relative path of one or more segments of `[A-Za-z0-9._=@+-]`, none of them `.` or `..`, within
    `KEY_LIMIT` and `SEGMENT_LIMIT`; anything else is an `InvalidInputError`. A reader sees a whole object, old or new,
    never a part. What `put` returned for is durable.
    """

    def get(self, key: str) -> Blob:
        """Return the object, or raise `NotFoundError`."""
        ...

    def put(self, key: str, data: bytes, *, expect: Absent | Match | None = None) -> str:
        """Write the object and return its entity tag.

        With an expectation the check and the write are one atomic act: of several writers with the same expectation
        exactly one wins. Equal bytes may have equal tags.

        Raises:
            ConflictError: the expectation does not hold; nothing was written.
            UnavailableError: the bytes could not be stored; what was there is still there.
        """
        ...

    def delete(self, key: str) -> None:
        """Remove the object; do nothing when it is not there."""
        ...

    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        """Yield what is stored under keys that start with `prefix`, in the order of the keys."""
        ...

    def signed_url(self, key: str, *, method: str, seconds: int) -> str:
        """Return a URL that allows one method ("GET" or "PUT") on one key for a while.

        Raises:
            CapabilityError: `Platform.capabilities.signed_urls` is false here.
        """
        ...
