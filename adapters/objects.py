"""The objects of one bucket by their whole keys, as the stores of all clouds have them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from adapters.connections import Reply
from loopwright.errors import UnavailableError
from loopwright.ports.blobs import Absent, Blob, BlobInfo, Match, Part


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a listing: objects, what the deeper ones begin with, and where the next page begins."""

    objects: tuple[BlobInfo, ...]
    folders: tuple[str, ...]
    next_page: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of an object that is `size` bytes long and has this tag."""

    data: bytes
    size: int
    etag: str


class Objects(Protocol):
    """One bucket. What its methods raise is what the port of blobs says."""

    name: str

    def get(self, key: str) -> Blob:
        """Return an object, or raise NotFoundError."""
        ...

    def piece(self, key: str, *, start: int, most: int, etag: str = "") -> Piece:
        """Return the bytes of an object from `start` on, at the `most` so many, or raise NotFoundError.

        With a tag, they are of the object that has it, or it is a ConflictError. `start` is within the object.
        """
        ...

    def has(self, key: str) -> bool:
        """Return whether there is an object."""
        ...

    def put(self, key: str, data: bytes, *, expect: Absent | Match | None = None) -> str:
        """Write an object and return its tag; see `Blobs.put`."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; do nothing when it is not there."""
        ...

    def page(self, prefix: str, *, after: str = "", page: str = "", delimiter: str = "", most: int = 1_000) -> Found:
        """Return one page of a listing: of the keys that start with `prefix` and come after `after`.

        With a delimiter, keys that have it after the prefix are told by what they begin with, up to and with it.
        `page` is where the one before ended. A page may have one more than the `most`.
        """
        ...

    def signed_url(self, key: str, *, method: str, seconds: int) -> str:
        """Return a URL by which anyone can send one method to one key for a while."""
        ...

    def begin(self, key: str) -> str:
        """Begin an upload in parts and return its identity."""
        ...

    def put_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        """Upload a part and return its tag; with the same number again, it replaces the one before."""
        ...

    def part_urls(self, key: str, upload: str, parts: int, *, seconds: int) -> Sequence[str]:
        """Return URLs to which anyone can PUT so many parts for a while."""
        ...

    def end(self, key: str, upload: str, parts: Sequence[Part]) -> str:
        """Make the object and return its tag; see `Blobs.end_upload`."""
        ...

    def abort(self, key: str, upload: str) -> None:
        """Forget an upload; do nothing when there is none."""
        ...

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[BlobInfo]:
        """Yield the objects whose keys start with `prefix`, those after one key only, in the order of the keys."""
        page = ""
        while True:
            found = self.page(prefix, after=after, page=page)
            yield from found.objects
            if not (page := found.next_page):
                return

    def folders(self, prefix: str = "") -> Iterator[str]:
        """Yield what keys begin with, up to and with the first slash after `prefix`, each once."""
        page, last = "", ""
        while True:
            found = self.page(prefix, page=page, delimiter="/")
            for folder in found.folders:
                # A store may tell of one folder on two pages.
                if folder > last:
                    yield (last := folder)
            if not (page := found.next_page):
                return


def whole_size(reply: Reply, doing: str) -> int:
    """Return the size of the whole object of which a reply has a range."""
    total = reply.headers.get("content-range", "").rpartition("/")[2]
    if not total.isdecimal():
        raise UnavailableError(f"could not {doing}: what came does not say of what it is a part")
    return int(total)
