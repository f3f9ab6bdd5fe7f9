"""The port of blobs over one bucket, under one prefix."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from typing import IO, Final

from msgspec.structs import replace
from typing_extensions import override

from adapters.objects import Objects, Piece
from adapters.rules import check_blob_key
from loopwright.errors import ConflictError, InvalidInputError, LoopwrightError, NotFoundError, UnavailableError
from loopwright.ports.blobs import PARTS_LIMIT, Absent, Blob, BlobInfo, Blobs, Match, Part, Reading

_METHODS: Final = frozenset({"GET", "PUT"})
_LONGEST: Final = 7 * 86_400
"""Seconds for which clouds let a URL be good."""

_PIECE: Final = 4 * 1024 * 1024
_PART: Final = 16 * 1024 * 1024
"""Bytes of a file that are in memory at once. Of 10,000 parts the largest object is 160 GB."""


class BucketBlobs(Blobs):
    """Objects in a bucket; tags are the store's."""

    def __init__(self, bucket: Objects, *, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix

    @override
    def get(self, key: str) -> Blob:
        check_blob_key(key)
        try:
            return self._bucket.get(self._prefix + key)
        except NotFoundError as error:
            raise NotFoundError(f"blob {key}") from error

    @override
    def put(self, key: str, data: bytes, *, expect: Absent | Match | None = None) -> str:
        check_blob_key(key)
        try:
            return self._bucket.put(self._prefix + key, data, expect=expect)
        except ConflictError as error:
            raise ConflictError(f"blob {key}: {error}") from error

    @override
    def read(self, key: str) -> Reading:
        check_blob_key(key)
        try:
            first = self._bucket.piece(self._prefix + key, start=0, most=_PIECE)
        except NotFoundError as error:
            raise NotFoundError(f"blob {key}") from error
        return Reading(first.size, self._pieces(key, first))

    @override
    def put_file(self, key: str, file: IO[bytes]) -> str:
        check_blob_key(key)
        data = _exactly(file, _PART)
        if len(data) < _PART:
            return self.put(key, data)
        whole = self._prefix + key
        upload = self._bucket.begin(whole)
        try:
            parts: list[Part] = []
            while data:
                number = len(parts) + 1
                parts.append(Part(number, self._bucket.put_part(whole, upload, number, data)))
                data = _exactly(file, _PART)
            return self._bucket.end(whole, upload, parts)
        except NotFoundError as error:
            raise UnavailableError(
                f"blob {key}: it is not known whether its parts were put together: {error}"
            ) from error
        except BaseException:
            # What cannot be cleared away now is when the bucket's rule says.
            with suppress(LoopwrightError):
                self._bucket.abort(whole, upload)
            raise

    @override
    def delete(self, key: str) -> None:
        check_blob_key(key)
        self._bucket.delete(self._prefix + key)

    @override
    def list(self, prefix: str = "") -> Iterator[BlobInfo]:
        for info in self._bucket.list(self._prefix + prefix):
            yield replace(info, key=info.key.removeprefix(self._prefix))

    @override
    def signed_url(self, key: str, *, method: str, seconds: int) -> str:
        check_blob_key(key)
        if method not in _METHODS or not 1 <= seconds <= _LONGEST:
            raise InvalidInputError(
                f"a URL for {method} on blob {key}, good for {seconds} s: use GET or PUT, and 1 to {_LONGEST:,} s"
            )
        return self._bucket.signed_url(self._prefix + key, method=method, seconds=seconds)

    @override
    def begin_upload(self, key: str) -> str:
        check_blob_key(key)
        return self._bucket.begin(self._prefix + key)

    @override
    def part_urls(self, key: str, upload: str, parts: int, *, seconds: int) -> Sequence[str]:
        check_blob_key(key)
        if not 1 <= parts <= PARTS_LIMIT or not 1 <= seconds <= _LONGEST:
            raise InvalidInputError(
                f"URLs for {parts:,} parts of blob {key}, good for {seconds:,} s: an upload has 1 to {PARTS_LIMIT:,}, "
                f"and {_LONGEST:,} s are the most"
            )
        return self._bucket.part_urls(self._prefix + key, upload, parts, seconds=seconds)

    @override
    def end_upload(self, key: str, upload: str, parts: Sequence[Part]) -> str:
        check_blob_key(key)
        if not parts:
            raise InvalidInputError(f"blob {key}: an upload has at least one part; write an empty object with `put`")
        return self._bucket.end(self._prefix + key, upload, parts)

    @override
    def abort_upload(self, key: str, upload: str) -> None:
        check_blob_key(key)
        self._bucket.abort(self._prefix + key, upload)

    def _pieces(self, key: str, first: Piece) -> Generator[bytes]:
        piece, start = first, 0
        while True:
            yield piece.data
            start += len(piece.data)
            if start >= first.size:
                return
            try:
                piece = self._bucket.piece(self._prefix + key, start=start, most=_PIECE, etag=first.etag)
            except (ConflictError, NotFoundError) as error:
                raise UnavailableError(f"blob {key} was replaced while it was read: read it again") from error


def _exactly(file: IO[bytes], most: int) -> bytes:
    """Return so many bytes; fewer only at the end."""
    pieces, left = [], most
    while left and (piece := file.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)
