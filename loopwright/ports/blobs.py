"""Objects under keys: model folders, artifacts, checkpoints."""

from collections.abc import Generator, Iterator, Sequence
from typing import IO, Final, Protocol

import msgspec


class BlobInfo(msgspec.Struct, frozen=True):
    """What a listing says of an object: its key, its entity tag, its size in bytes, when it was last written."""

    key: str
    etag: str
    size: int
    modified: float


class Blob(msgspec.Struct, frozen=True):
    """An object's bytes and the tag of exactly these bytes."""

    data: bytes
    etag: str


class Match(msgspec.Struct, frozen=True):
    """Expect the object to be there with this entity tag."""

    etag: str


class Absent(msgspec.Struct, frozen=True):
    """Expect that there is nothing yet."""


ABSENT: Final = Absent()


class Reading(msgspec.Struct, frozen=True):
    """An object that is read a piece at a time: its size in bytes, and its bytes in pieces of a few megabytes.

    Whoever does not read to the end calls `pieces.close()`.
    """

    size: int
    pieces: Generator[bytes]


class Part(msgspec.Struct, frozen=True):
    """A part of an object that somebody has uploaded by a URL: its number from 1 on, and the tag that he was told."""

    number: int
    etag: str


PARTS_LIMIT: Final = 10_000
"""The most parts of one upload; each but the last has 5 MiB or more."""

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

    def read(self, key: str) -> Reading:
        """Begin to read an object of any size, in little memory; or raise `NotFoundError`.

        The pieces are all of one object. Where it is replaced or removed meanwhile they may end in an
        `UnavailableError`.
        """
        ...

    def put_file(self, key: str, file: IO[bytes]) -> str:
        """Write an object of any size, in little memory, and return its entity tag.

        `file` is read from where it stands to its end. Until the call returns, whatever happens to it, readers see
        what was there before.

        Raises:
            UnavailableError: the bytes could not be stored.
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

    def begin_upload(self, key: str) -> str:
        """Begin an object that others upload in parts, and return the upload's identity.

        There is nothing to be read until `end_upload`; what is neither ended nor aborted is cleared away some day.

        Raises:
            CapabilityError: `Capabilities.part_uploads` is false here; this is so for all that concerns uploads.
        """
        ...

    def part_urls(self, key: str, upload: str, parts: int, *, seconds: int) -> Sequence[str]:
        """Return URLs for so many parts, from number 1 on, to which anyone may PUT them for a while.

        The answer's header `ETag` is the part's tag.
        """
        ...

    def end_upload(self, key: str, upload: str, parts: Sequence[Part]) -> str:
        """Make the object out of these parts, in their order, and return its entity tag.

        Raises:
            NotFoundError: there is no such upload, or it was aborted. One that was ended may still be known.
            InvalidInputError: the parts are not those that were uploaded, or one of them is too small.
        """
        ...

    def abort_upload(self, key: str, upload: str) -> None:
        """Forget an upload and its parts; do nothing when there is none."""
        ...
