"""Cloud Storage's XML API, which `object_store` speaks, on the objects that the JSON API has.

Source: "XML API reference", Cloud Storage documentation: objects, ListObjectsV2, multipart uploads, signed URLs.
"""

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode
from xml.etree import ElementTree as ET

from typing_extensions import override

from adapters.gcp.signing import text_to_sign
from tests.clouds.google.accounts import signed_by_account
from tests.clouds.google.front import Answer, Request, Service

Send = Callable[[str, str, bytes, dict[str, str]], Answer]
"""Sends a request to fake-gcs-server: method, target, body, headers."""

_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_EXPECTED: Final = "x-goog-if-generation-match"
_SOURCE: Final = "x-goog-copy-source"
_PAGE: Final = 1_000
_KNOWN: Final = frozenset({_EXPECTED, _SOURCE, "x-goog-user-project", "x-goog-api-client"})


class StorageXml(Service):
    """Paths that begin with the name of a bucket."""

    def __init__(self, send: Send, folder: Path) -> None:
        """`folder` has the key of the account that signs URLs."""
        self._send = send
        self._folder = folder
        self._buckets: set[str] = set()
        self._uploads: dict[str, dict[int, bytes]] = {}

    @override
    def takes(self, request: Request) -> bool:
        bucket = request.path.split("/")[1]
        if (
            bucket
            and bucket not in self._buckets
            and self._send("GET", f"/storage/v1/b/{bucket}", b"", {}).status == 200
        ):
            self._buckets.add(bucket)
        return bucket in self._buckets

    @override
    def answer(self, request: Request) -> Answer:
        if refusal := self._refusal(request):
            return refusal
        bucket, _, key = request.path[1:].partition("/")
        if not key:
            return self._listing(bucket, request)
        return self._object(bucket, unquote(key), request)

    @override
    def close(self) -> None:
        """The server behind is the JSON API's."""

    def _object(self, bucket: str, key: str, request: Request) -> Answer:
        match request.method:
            case "GET":
                return self._get(bucket, key, request)
            case "HEAD":
                return self._head(bucket, key)
            case _ if {"uploads", "uploadId"} & set(request.query):
                return self._in_parts(bucket, key, request)
            case "PUT":
                return self._put(bucket, key, request)
            case "DELETE":
                done = self._send("DELETE", _object(bucket, key), b"", {})
                return Answer(204) if done.status in {200, 204} else _no_such_key(key)
            case _:
                return _refused(501, "NotImplemented", f"{request.method} {request.target}")

    def _in_parts(self, bucket: str, key: str, request: Request) -> Answer:
        """Answer what concerns an upload that comes in parts."""
        match request.method:
            case "POST" if "uploads" in request.query:
                return self._begin(bucket, key)
            case "POST":
                return self._complete(bucket, key, request)
            case "PUT":
                return self._part(request)
            case _:
                self._uploads.pop(request.one("uploadId"), None)
                return Answer(204)

    def _refusal(self, request: Request) -> Answer | None:
        """Return what is wrong with a request's signature, or with what it asks that is not known here."""
        unknown = {name for name in request.headers if name.startswith("x-goog-")} - _KNOWN
        if unknown:
            return _refused(501, "NotImplemented", f"headers {', '.join(sorted(unknown))}")
        if "X-Goog-Algorithm" not in request.query:
            return None
        query = {name: request.one(name) for name in request.query if name != "X-Goog-Signature"}
        made = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
        if not made - 900 <= datetime.now(UTC).timestamp() < made + int(query["X-Goog-Expires"]):
            return _refused(400, "ExpiredToken", "The provided token has expired.")
        text = text_to_sign(request.method, request.headers["host"], request.path, query)
        if not signed_by_account(self._folder, text, bytes.fromhex(request.one("X-Goog-Signature"))):
            return _refused(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
        return None

    def _get(self, bucket: str, key: str, request: Request) -> Answer:
        headers = {"Range": request.headers["range"]} if "range" in request.headers else {}
        found = self._send("GET", f"/download{_object(bucket, key)}?alt=media", b"", headers)
        return found if found.status in {200, 206, 416} else _no_such_key(key)

    def _head(self, bucket: str, key: str) -> Answer:
        found = self._send("GET", _object(bucket, key), b"", {})
        if found.status != 200:
            return _no_such_key(key)
        about = json.loads(found.body)
        written = datetime.fromisoformat(about["updated"])
        headers = {
            "Content-Length": about["size"],
            "Content-Type": about.get("contentType", "application/octet-stream"),
            "Last-Modified": format_datetime(written.astimezone(UTC), usegmt=True),
            "x-goog-hash": f"crc32c={about['crc32c']},md5={about['md5Hash']}",
        }
        return Answer(200, b"", headers | _tags(about))

    def _put(self, bucket: str, key: str, request: Request) -> Answer:
        if source := request.headers.get(_SOURCE):
            from_bucket, _, from_key = unquote(source).removeprefix("/").partition("/")
            found = self._send("GET", f"/download{_object(from_bucket, from_key)}?alt=media", b"", {})
            if found.status != 200:
                return _no_such_key(from_key)
            return self._write(bucket, key, found.body, request, answer=_xml("CopyObjectResult", {"ETag": '""'}))
        digest = request.headers.get("content-md5")
        return self._write(bucket, key, request.body, request, md5=digest)

    def _write(
        self, bucket: str, key: str, body: bytes, request: Request, *, md5: str | None = None, answer: bytes = b""
    ) -> Answer:
        query = {"uploadType": "multipart"}
        if _EXPECTED in request.headers:
            query["ifGenerationMatch"] = request.headers[_EXPECTED]
        about = {"name": key, "contentType": request.headers.get("content-type", "application/octet-stream")}
        about |= {"md5Hash": md5} if md5 else {}
        headers, content = multipart(about, body)
        done = self._send("POST", f"/upload/storage/v1/b/{bucket}/o?{urlencode(query)}", content, headers)
        if done.status == 412:
            return _refused(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
        if done.status != 200:
            return _refused(done.status, "InvalidArgument", done.body.decode())
        return Answer(200, answer, _tags(json.loads(done.body)))

    def _begin(self, bucket: str, key: str) -> Answer:
        upload = secrets.token_hex(8)
        self._uploads[upload] = {}
        told = _xml("InitiateMultipartUploadResult", {"Bucket": bucket, "Key": key, "UploadId": upload})
        return Answer(200, told, {"Content-Type": "application/xml"})

    def _part(self, request: Request) -> Answer:
        parts = self._uploads.get(request.one("uploadId"))
        if parts is None:
            return _refused(404, "NoSuchUpload", "The requested upload was not found.")
        parts[int(request.one("partNumber"))] = request.body
        return Answer(200, b"", {"ETag": f'"{len(request.body)}-{secrets.token_hex(4)}"'})

    def _complete(self, bucket: str, key: str, request: Request) -> Answer:
        upload = request.one("uploadId")
        parts = self._uploads.get(upload)
        if parts is None:
            return _refused(404, "NoSuchUpload", "The requested upload was not found.")
        told = ET.fromstring(request.body)  # noqa: S314 - of a test
        wanted = [int(each.text or 0) for each in told.iter() if each.tag.endswith("PartNumber")]
        if missing := set(wanted) - set(parts):
            return _refused(400, "InvalidPart", f"parts {sorted(missing)}")
        done = self._write(bucket, key, b"".join(parts[number] for number in wanted), request)
        if done.status != 200:
            return done
        del self._uploads[upload]
        result = _xml("CompleteMultipartUploadResult", {"Bucket": bucket, "Key": key, "ETag": done.headers["ETag"]})
        return Answer(200, result, {"Content-Type": "application/xml", **done.headers})

    def _listing(self, bucket: str, request: Request) -> Answer:
        if request.method != "GET" or request.one("list-type") != "2":
            return _refused(501, "NotImplemented", f"{request.method} {request.target}")
        prefix, delimiter = request.one("prefix"), request.one("delimiter")
        after = max(request.one("start-after"), request.one("continuation-token"))
        most = int(request.one("max-keys") or _PAGE)
        entries = list(_entries(self._objects(bucket, prefix), prefix, delimiter))
        rest = [entry for entry in entries if entry[0] > after]
        page = rest[:most]
        root = ET.Element("ListBucketResult", {"xmlns": _NAMESPACE})
        for name, value in {"Name": bucket, "Prefix": prefix, "KeyCount": len(page)}.items():
            ET.SubElement(root, name).text = str(value)
        ET.SubElement(root, "IsTruncated").text = str(len(rest) > len(page)).lower()
        if len(rest) > len(page):
            ET.SubElement(root, "NextContinuationToken").text = page[-1][0]
        for name, about in page:
            _add_entry(root, name, about)
        return Answer(200, ET.tostring(root, xml_declaration=True), {"Content-Type": "application/xml"})

    def _objects(self, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
        query = {"prefix": prefix, "maxResults": str(_PAGE)}
        while True:
            told = json.loads(self._send("GET", f"/storage/v1/b/{bucket}/o?{urlencode(query)}", b"", {}).body)
            yield from told.get("items", ())
            if not told.get("nextPageToken"):
                return
            query["pageToken"] = told["nextPageToken"]


def multipart(about: Mapping[str, Any], body: bytes) -> tuple[dict[str, str], bytes]:
    """Return the headers and the body of an upload that says what it is."""
    edge = secrets.token_hex(16)
    head = f"--{edge}\r\nContent-Type: application/json\r\n\r\n{json.dumps(about)}\r\n--{edge}\r\n\r\n".encode()
    return {"Content-Type": f"multipart/related; boundary={edge}"}, head + body + f"\r\n--{edge}--".encode()


def _entries(
    objects: Iterator[dict[str, Any]], prefix: str, delimiter: str
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Yield objects by their names, and instead of those with a delimiter what they begin with, once."""
    last = ""
    for about in objects:
        name = about["name"]
        rest = name[len(prefix) :]
        if delimiter and delimiter in rest:
            folder = prefix + rest.partition(delimiter)[0] + delimiter
            if folder != last:
                yield folder, None
            last = folder
        else:
            yield name, about


def _add_entry(root: ET.Element, name: str, about: Mapping[str, Any] | None) -> None:
    if about is None:
        ET.SubElement(ET.SubElement(root, "CommonPrefixes"), "Prefix").text = name
        return
    entry = ET.SubElement(root, "Contents")
    ET.SubElement(entry, "Key").text = name
    ET.SubElement(entry, "LastModified").text = about["updated"]
    ET.SubElement(entry, "ETag").text = _tags(about)["ETag"]
    ET.SubElement(entry, "Size").text = about["size"]
    ET.SubElement(entry, "Generation").text = about["generation"]


def _tags(about: Mapping[str, Any]) -> dict[str, str]:
    tag = base64.b64decode(about["md5Hash"]).hex()
    return {"ETag": f'"{tag}"', "x-goog-generation": about["generation"], "x-goog-metageneration": "1"}


def _object(bucket: str, key: str) -> str:
    return f"/storage/v1/b/{bucket}/o/{quote(key, safe='')}"


def _xml(name: str, values: Mapping[str, str]) -> bytes:
    root = ET.Element(name, {"xmlns": _NAMESPACE})
    for each, value in values.items():
        ET.SubElement(root, each).text = value
    return ET.tostring(root, xml_declaration=True)


def _refused(status: int, code: str, message: str) -> Answer:
    root = ET.Element("Error")
    ET.SubElement(root, "Code").text = code
    ET.SubElement(root, "Message").text = message
    return Answer(status, ET.tostring(root), {"Content-Type": "application/xml"})


def _no_such_key(key: str) -> Answer:
    return _refused(404, "NoSuchKey", f"The specified key does not exist: {key}")
