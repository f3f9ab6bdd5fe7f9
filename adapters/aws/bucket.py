"""One S3 bucket: its objects by their whole keys, and a write that knows itself again.

Source: "Amazon S3 API reference" (GetObject, PutObject, ListObjectsV2, DeleteObject) and "Add preconditions to S3
operations with conditional requests", Amazon Simple Storage Service user guide.
"""

import http.client
import secrets
from collections.abc import Mapping, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from typing_extensions import override

from adapters.aws.api import Api
from adapters.aws.place import AwsPlace
from adapters.aws.replies import ServiceError, translated, translation
from adapters.aws.signing import Request
from adapters.connections import Reply
from adapters.objects import Found, Objects, Piece, whole_size
from adapters.uploads import RefusedError, Uploads, part_query
from loopwright.clock import parse_time
from loopwright.errors import ConflictError, NotFoundError
from loopwright.ports.blobs import Absent, Blob, BlobInfo, Match, Part

_NAMESPACE: Final = "{http://s3.amazonaws.com/doc/2006-03-01/}"
_WRITE: Final = "x-amz-meta-write"
"""Names the write that made an object, so that a writer whose connection broke can tell whether it was his."""


class Bucket(Objects):
    """Objects of one bucket. On AWS it has a host of its own; where AWS is local it is the first part of the path."""

    def __init__(self, api: Api, place: AwsPlace) -> None:
        self.name = place.bucket
        self._api = api
        # A certificate of AWS covers one label before its own names, so a name with a dot in it is a part of the path.
        in_path = bool(place.endpoint) or "." in place.bucket
        self._host = api.host if in_path else f"{place.bucket}.{api.host}"
        self._root = f"/{place.bucket}/" if in_path else "/"
        self._uploads = Uploads(self._send_part, self._tag_of)

    @override
    def get(self, key: str) -> Blob:
        """Return an object, or raise NotFoundError."""
        try:
            reply = self._api.send(self._request("GET", key))
        except ServiceError as error:
            raise _missing(error, key, f"read s3://{self.name}/{key}") from error
        return Blob(reply.body, _tag(reply.headers.get("etag", "")))

    @override
    def piece(self, key: str, *, start: int, most: int, etag: str = "") -> Piece:
        headers = {"Range": f"bytes={start}-{start + most - 1}"} | ({"If-Match": f'"{etag}"'} if etag else {})
        doing = f"read s3://{self.name}/{key}"
        try:
            reply = self._api.send(self._request("GET", key, headers=headers))
        except ServiceError as error:
            if error.status == http.client.PRECONDITION_FAILED:
                raise ConflictError(f"{doing}: it was replaced") from error
            if error.status != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise _missing(error, key, doing) from error
            # Nothing can be a range of an empty object.
            whole = self.get(key)
            return Piece(whole.data, len(whole.data), whole.etag)
        return Piece(reply.body, whole_size(reply, doing), _tag(reply.headers.get("etag", "")))

    @override
    def has(self, key: str) -> bool:
        return self.head(key) is not None

    def head(self, key: str) -> Reply | None:
        """Return what is known of an object; None: there is none."""
        try:
            return self._api.send(self._request("HEAD", key))
        except ServiceError as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise translation(error, f"look at s3://{self.name}/{key}") from error

    @override
    def put(self, key: str, data: bytes, *, expect: Absent | Match | None = None) -> str:
        """Write an object and return its tag; see `Blobs.put`.

        A conditional write that had to be sent twice may refuse itself: then the object says whose it is. When our own
        write went through unheard and another one has replaced it before we could look, that is a ConflictError too.
        """
        write = secrets.token_hex(12)
        headers = {_WRITE: write}
        match expect:
            case Absent():
                headers["If-None-Match"] = "*"
            case Match(etag):
                headers["If-Match"] = f'"{etag}"'
            case None:
                pass
        try:
            reply = self._api.send(self._request("PUT", key, headers=headers, body=data))
        except ServiceError as error:
            return self._own(error, key, expect, write)
        return _tag(reply.headers.get("etag", ""))

    @override
    def delete(self, key: str) -> None:
        """Remove an object; do nothing when it is not there."""
        with translated(f"delete s3://{self.name}/{key}"):
            self._api.send(self._request("DELETE", key))

    @override
    def page(self, prefix: str, *, after: str = "", page: str = "", delimiter: str = "", most: int = 1_000) -> Found:
        """Return one page of a listing."""
        query = {"list-type": "2", "prefix": prefix, "max-keys": str(most)}
        query |= {"continuation-token": page} if page else {"start-after": after} if after else {}
        query |= {"delimiter": delimiter} if delimiter else {}
        with translated(f"list s3://{self.name}/{prefix}"):
            reply = self._api.send(Request("GET", self._host, self._root, query))
        told = ET.fromstring(reply.body)  # noqa: S314 - AWS's own answer
        return Found(
            tuple(_info(each) for each in told.iterfind(f"{_NAMESPACE}Contents")),
            tuple(_text(each, "Prefix") for each in told.iterfind(f"{_NAMESPACE}CommonPrefixes")),
            _text(told, "NextContinuationToken") if _text(told, "IsTruncated") == "true" else "",
        )

    @override
    def signed_url(self, key: str, *, method: str, seconds: int) -> str:
        """Return a URL by which anyone can send one method to one key for a while."""
        return self._api.signed_url(self._request(method, key), seconds=seconds)

    @override
    def begin(self, key: str) -> str:
        return self._uploads.begin(key)

    @override
    def put_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        return self._uploads.put_part(key, upload, number, data)

    @override
    def part_urls(self, key: str, upload: str, parts: int, *, seconds: int) -> Sequence[str]:
        requests = (
            Request("PUT", self._host, self._root + key, part_query(upload, number)) for number in range(1, parts + 1)
        )
        return [self._api.signed_url(request, seconds=seconds) for request in requests]

    @override
    def end(self, key: str, upload: str, parts: Sequence[Part]) -> str:
        self._uploads.end(key, upload, parts)
        return self._tag_of(key)

    @override
    def abort(self, key: str, upload: str) -> None:
        self._uploads.abort(key, upload)

    def _send_part(self, method: str, key: str, query: Mapping[str, str], body: bytes) -> Reply:
        try:
            return self._api.send(Request(method, self._host, self._root + key, query, body=body))
        except ServiceError as error:
            meant = translation(error, f"upload s3://{self.name}/{key}")
            raise RefusedError(error.code, meant, repeated=error.repeated) from error

    def _tag_of(self, key: str) -> str:
        found = self.head(key)
        return _tag(found.headers.get("etag", "")) if found else ""

    def _own(self, error: ServiceError, key: str, expect: Absent | Match | None, write: str) -> str:
        """Return the tag of the object that this write made before it was refused, or raise what the refusal means."""
        doing = f"write s3://{self.name}/{key}"
        if error.status == http.client.PRECONDITION_FAILED:
            found = self.head(key) if error.repeated else None
            if found and found.headers.get(_WRITE) == write:
                return _tag(found.headers.get("etag", ""))
            raise ConflictError(f"{doing}: expected {_expected(expect)}; found another") from error
        if isinstance(expect, Match) and error.code == "NoSuchKey":
            raise ConflictError(f"{doing}: expected {_expected(expect)}; found nothing") from error
        raise translation(error, doing) from error

    def _request(self, method: str, key: str, *, headers: dict[str, str] | None = None, body: bytes = b"") -> Request:
        return Request(method, self._host, self._root + key, headers=headers or {}, body=body)


def _missing(error: ServiceError, key: str, doing: str) -> Exception:
    return NotFoundError(f"object {key}") if error.code == "NoSuchKey" else translation(error, doing)


def _expected(expect: Absent | Match | None) -> str:
    return expect.etag if isinstance(expect, Match) else "nothing there"


def _info(told: ET.Element) -> BlobInfo:
    modified = parse_time(_text(told, "LastModified"))
    return BlobInfo(_text(told, "Key"), _tag(_text(told, "ETag")), int(_text(told, "Size")), modified)


def _text(told: ET.Element, name: str) -> str:
    return told.findtext(_NAMESPACE + name, "")


def _tag(header: str) -> str:
    return header.strip('"')
