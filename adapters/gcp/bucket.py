"""One bucket of Cloud Storage: its objects by their whole keys, and a write that knows itself again.

Source: "Objects" (get, insert, list, delete) and "Request preconditions", Cloud Storage JSON API reference.
"""

import base64
import hashlib
import http.client
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from typing_extensions import override

from adapters.connections import Reply
from adapters.gcp.api import Api, Query, quoted
from adapters.gcp.place import GcpPlace
from adapters.gcp.replies import ServiceError, translated, translation
from adapters.gcp.signing import Signer, signed_url
from adapters.objects import Found, Objects, Piece, whole_size
from adapters.uploads import RefusedError, Uploads, code_in, part_query
from loopwright.clock import parse_time, system_clock
from loopwright.errors import ConflictError, NotFoundError, UnavailableError
from loopwright.ports.blobs import Absent, Blob, BlobInfo, Match, Part

_WRITE: Final = "write"
"""Names, in an object's metadata, the write that made it: a writer whose connection broke can tell if it was his."""

_NO_BUCKET: Final = b"bucket does not exist"
_HEAD: Final = b"\r\n".join(
    (
        b"--%b",
        b"Content-Type: application/json",
        b"",
        b"%b",
        b"--%b",
        b"Content-Type: application/octet-stream",
        b"",
        b"",
    )
)
_AT_ONCE: Final = 16
_LISTED: Final = "items(name,generation,size,timeCreated),prefixes,nextPageToken"


class Bucket(Objects):
    """Objects of one bucket; their tags are their generations."""

    def __init__(self, api: Api, place: GcpPlace, signer: Signer) -> None:
        self.name = place.bucket
        self._api = api
        self._signer = signer
        self._objects = f"/storage/v1/b/{quoted(place.bucket)}/o"
        # Tags of objects in the XML API are not documented to be made of their parts': a lost answer is told as lost.
        self._uploads = Uploads(self._send_part, lambda _: "")

    @override
    def get(self, key: str) -> Blob:
        doing = f"read gs://{self.name}/{key}"
        try:
            reply = self._api.send("GET", self._path(key), query={"alt": "media"})
        except ServiceError as error:
            if _absent(error):
                raise NotFoundError(f"object {key}") from error
            raise translation(error, doing) from error
        _check(reply, doing)
        return Blob(reply.body, reply.headers.get("x-goog-generation", ""))

    @override
    def piece(self, key: str, *, start: int, most: int, etag: str = "") -> Piece:
        doing = f"read gs://{self.name}/{key}"
        query = {"alt": "media", **({"generation": etag} if etag else {})}
        headers = {"Range": f"bytes={start}-{start + most - 1}"}
        try:
            reply = self._api.send("GET", self._path(key), query=query, headers=headers)
        except ServiceError as error:
            if _absent(error):
                raise NotFoundError(f"object {key}") from error
            if error.status != http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise translation(error, doing) from error
            # Nothing can be a range of an empty object.
            whole = self.get(key)
            return Piece(whole.data, len(whole.data), whole.etag)
        found = reply.headers.get("x-goog-generation", "")
        if etag and found != etag:
            raise ConflictError(f"{doing}: it was replaced")
        return Piece(reply.body, whole_size(reply, doing), found)

    @override
    def has(self, key: str) -> bool:
        return self._about(key) is not None

    @override
    def put(self, key: str, data: bytes, *, expect: Absent | Match | None = None) -> str:
        """Write an object and return its tag; see `Blobs.put`.

        A conditional write that had to be sent twice may refuse itself: then the object says whose it is. When our own
        write went through unheard and another one has replaced it before we could look, that is a ConflictError too.
        """
        query: dict[str, str | int] = {"uploadType": "multipart", "fields": "generation"}
        match expect:
            case Absent():
                query["ifGenerationMatch"] = 0
            case Match(etag):
                # Zero is how Google says that nothing is there; what is no number is none of its tags.
                if not etag.isdecimal() or not int(etag):
                    raise self._conflict(key, expect, self._about(key))
                query["ifGenerationMatch"] = etag
            case None:
                pass
        write = secrets.token_hex(12)
        try:
            told = self._upload(key, data, query, write)
        except ServiceError as error:
            return self._own(error, key, expect, write)
        return str(told["generation"])

    @override
    def delete(self, key: str) -> None:
        try:
            self._api.send("DELETE", self._path(key))
        except ServiceError as error:
            if not _absent(error):
                raise translation(error, f"delete gs://{self.name}/{key}") from error

    @override
    def page(self, prefix: str, *, after: str = "", page: str = "", delimiter: str = "", most: int = 1_000) -> Found:
        query: dict[str, str | int] = {"prefix": prefix, "maxResults": most, "fields": _LISTED}
        query |= {"delimiter": delimiter} if delimiter else {}
        query |= {"pageToken": page} if page else {}
        # Google begins with the key that it is given: one more is asked for than may be wanted.
        query |= {"startOffset": after, "maxResults": most + 1} if after else {}
        with translated(f"list gs://{self.name}/{prefix}"):
            told = self._api.call("GET", self._objects, query=query)
        objects = tuple(_info(each) for each in told.get("items", ()) if each["name"] != after)
        return Found(objects, tuple(told.get("prefixes", ())), str(told.get("nextPageToken", "")))

    @override
    def signed_url(self, key: str, *, method: str, seconds: int) -> str:
        path, now = f"/{self.name}/{key}", system_clock()
        return signed_url(self._api.origin, path, method=method, seconds=seconds, now=now, signer=self._signer)

    @override
    def begin(self, key: str) -> str:
        return self._uploads.begin(key)

    @override
    def put_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        return self._uploads.put_part(key, upload, number, data)

    @override
    def part_urls(self, key: str, upload: str, parts: int, *, seconds: int) -> Sequence[str]:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - for large uploads only

        path, now = f"/{self.name}/{key}", system_clock()

        def url(number: int) -> str:
            query = part_query(upload, number)
            return signed_url(
                self._api.origin, path, method="PUT", seconds=seconds, now=now, signer=self._signer, query=query
            )

        # Each signature of a machine's account is a call.
        with ThreadPoolExecutor(min(parts, _AT_ONCE)) as pool:
            return list(pool.map(url, range(1, parts + 1)))

    @override
    def end(self, key: str, upload: str, parts: Sequence[Part]) -> str:
        self._uploads.end(key, upload, parts)
        found = self._about(key)
        return str(found["generation"]) if found else ""

    @override
    def abort(self, key: str, upload: str) -> None:
        self._uploads.abort(key, upload)

    def _send_part(self, method: str, key: str, query: Mapping[str, str], body: bytes) -> Reply:
        path = f"/{quoted(self.name)}/{'/'.join(quoted(part) for part in key.split('/'))}"
        try:
            return self._api.send(method, path, body, query=query)
        except ServiceError as error:
            meant = translation(error, f"upload gs://{self.name}/{key}")
            raise RefusedError(code_in(error.body), meant, repeated=error.repeated) from error

    def _upload(self, key: str, data: bytes, query: Query, write: str) -> dict[str, Any]:
        """Send an object together with what is said of it; Google refuses bytes that are not of this digest."""
        md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        about = msgspec.json.encode({"name": key, "md5Hash": md5, "metadata": {_WRITE: write}})
        edge = secrets.token_hex(16).encode()
        body = b"".join((_HEAD % (edge, about, edge), data, b"\r\n--%b--" % edge))
        headers = {"Content-Type": f"multipart/related; boundary={edge.decode()}"}
        reply = self._api.send("POST", f"/upload{self._objects}", body, query=query, headers=headers)
        told: dict[str, Any] = msgspec.json.decode(reply.body)
        return told

    def _own(self, error: ServiceError, key: str, expect: Absent | Match | None, write: str) -> str:
        """Return the tag of the object that this write made before it was refused, or raise what the refusal means."""
        doing = f"write gs://{self.name}/{key}"
        if error.status != http.client.PRECONDITION_FAILED:
            raise translation(error, doing) from error
        found = self._about(key)
        if error.repeated and found and found.get("metadata", {}).get(_WRITE) == write:
            return str(found["generation"])
        raise self._conflict(key, expect, found) from error

    def _conflict(self, key: str, expect: Absent | Match | None, found: dict[str, Any] | None) -> ConflictError:
        expected = expect.etag if isinstance(expect, Match) else "nothing there"
        there = f"generation {found['generation']}" if found else "nothing"
        return ConflictError(f"write gs://{self.name}/{key}: expected {expected}; found {there}")

    def _about(self, key: str) -> dict[str, Any] | None:
        """Return what is known of an object; None: there is none."""
        try:
            return self._api.call("GET", self._path(key), query={"fields": "generation,metadata"})
        except ServiceError as error:
            if _absent(error):
                return None
            raise translation(error, f"look at gs://{self.name}/{key}") from error

    def _path(self, key: str) -> str:
        return f"{self._objects}/{quoted(key)}"


def _absent(error: ServiceError) -> bool:
    return error.status == http.client.NOT_FOUND and _NO_BUCKET not in error.body


def _check(reply: Reply, doing: str) -> None:
    """Raise UnavailableError when the bytes are not those that were stored.

    Objects that were put together from others have no MD5; that of one kept compressed is not of what is sent.
    """
    if reply.headers.get("x-goog-stored-content-encoding", "identity") != "identity":
        return
    told = dict(each.strip().partition("=")[::2] for each in reply.headers.get("x-goog-hash", "").split(","))
    if "md5" not in told:
        return
    if base64.b64decode(told["md5"]) != hashlib.md5(reply.body, usedforsecurity=False).digest():
        raise UnavailableError(f"could not {doing}: what came is not what was stored")


def _info(told: dict[str, Any]) -> BlobInfo:
    return BlobInfo(told["name"], str(told["generation"]), int(told["size"]), parse_time(told["timeCreated"]))
