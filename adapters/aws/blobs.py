"""Objects in one bucket, under one prefix; encrypted as the bucket says."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from typing_extensions import override

from adapters.aws.api import Api
from adapters.aws.bucket import Bucket
from adapters.aws.place import AwsPlace
from adapters.rules import check_blob_key
from loopwright.errors import ConflictError, InvalidInputError, NotFoundError
from loopwright.ports.blobs import Absent, Blob, BlobInfo, Blobs, Match

_METHODS: Final = frozenset({"GET", "PUT"})
_LONGEST: Final = 7 * 86_400
"""Seconds for which AWS lets a URL be good."""


class S3Blobs(Blobs):
    """Objects in S3, which reads what was written last and decides between writers that expect something.

    Tags are S3's. A URL ends with the credentials that signed it, if those end first.
    """

    def __init__(self, api: Api, place: AwsPlace, *, prefix: str) -> None:
        self._bucket = Bucket(api, place)
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
