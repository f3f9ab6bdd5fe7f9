"""The port of blobs over one bucket, under one prefix."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from typing_extensions import override

from adapters.objects import Objects
from adapters.rules import check_blob_key
from loopwright.errors import ConflictError, InvalidInputError, NotFoundError
from loopwright.ports.blobs import Absent, Blob, BlobInfo, Blobs, Match

_METHODS: Final = frozenset({"GET", "PUT"})
_LONGEST: Final = 7 * 86_400
"""Seconds for which clouds let a URL be good."""


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
