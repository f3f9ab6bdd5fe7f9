"""Objects that come in parts, as S3 has them, and the XML API of Cloud Storage in the same words.

Source: "Amazon S3 API reference": CreateMultipartUpload, UploadPart, CompleteMultipartUpload, AbortMultipartUpload;
"XML API multipart uploads", Cloud Storage documentation.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from adapters.connections import Reply
from loopwright.errors import InvalidInputError, LoopwrightError, NotFoundError, UnavailableError
from loopwright.ports.blobs import Part

Send = Callable[[str, str, Mapping[str, str], bytes], Reply]
"""Sends a request about an object: method, key, query and body. It raises `RefusedError`."""

_NO_UPLOAD: Final = "NoSuchUpload"
_WRONG_PARTS: Final = frozenset(
    {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML", "InvalidArgument"}
)


class RefusedError(Exception):
    """A store refuses a request about an upload.

    Attributes:
        code: the store's name of the reason.
        repeated: whether the request had been sent before, so that it may have been done then.
        meant: what the refusal is where nothing here knows better.
    """

    def __init__(self, code: str, meant: LoopwrightError, *, repeated: bool) -> None:
        super().__init__(str(meant))
        self.code = code
        self.meant = meant
        self.repeated = repeated


class Uploads:
    """The uploads of one bucket."""

    def __init__(self, send: Send, etag: Callable[[str], str]) -> None:
        """`etag` tells the entity tag, as HTTP has it, of the object that is there now; empty: there is none."""
        self._send = send
        self._etag = etag

    def begin(self, key: str) -> str:
        """Begin an upload and return its identity."""
        return _text(_told(self._sent("POST", key, {"uploads": ""}).body), "UploadId")

    def put_part(self, key: str, upload: str, number: int, data: bytes) -> str:
        """Upload a part and return its tag, or raise `NotFoundError` where there is no such upload."""
        reply = self._sent("PUT", key, part_query(upload, number), data)
        return reply.headers.get("etag", "").strip('"')

    def end(self, key: str, upload: str, parts: Sequence[Part]) -> None:
        """Make the object, or raise what `Blobs.end_upload` says."""
        try:
            reply = self._send("POST", key, {"uploadId": upload}, _listed(parts))
        except RefusedError as error:
            # A request that was done the first time is refused the second time.
            if not (error.code == _NO_UPLOAD and error.repeated and self._etag(key) == _whole(parts)):
                raise _meant(error, key) from error
            return
        told = _told(reply.body)
        if told.tag.rpartition("}")[2] == "Error":
            # Stores begin this answer before they know how it ends.
            code, message = _text(told, "Code"), _text(told, "Message")
            failed = UnavailableError(f"could not put blob {key} together: {code}: {message}")
            raise _meant(RefusedError(code, failed, repeated=False), key)

    def abort(self, key: str, upload: str) -> None:
        """Forget an upload; do nothing when there is none."""
        try:
            self._send("DELETE", key, {"uploadId": upload}, b"")
        except RefusedError as error:
            if error.code != _NO_UPLOAD:
                raise error.meant from error

    def _sent(self, method: str, key: str, query: Mapping[str, str], body: bytes = b"") -> Reply:
        try:
            return self._send(method, key, query, body)
        except RefusedError as error:
            raise _meant(error, key) from error


def part_query(upload: str, number: int) -> dict[str, str]:
    """Return what tells a part in a request's query."""
    return {"partNumber": str(number), "uploadId": upload}


def code_in(body: bytes) -> str:
    """Return the code that a refusal in XML gives; empty: none."""
    try:
        return _text(ET.fromstring(body), "Code")  # noqa: S314 - the store's own answer
    except ET.ParseError:
        return ""


def _meant(error: RefusedError, key: str) -> LoopwrightError:
    if error.code == _NO_UPLOAD:
        return NotFoundError(
            f"blob {key}: there is no such upload: it was ended, or aborted, or is too old: begin anew"
        )
    if error.code in _WRONG_PARTS:
        return InvalidInputError(f"blob {key} cannot be put together of these parts: {error}: upload it anew")
    return error.meant


def _listed(parts: Sequence[Part]) -> bytes:
    root = ET.Element("CompleteMultipartUpload")
    for part in parts:
        told = ET.SubElement(root, "Part")
        ET.SubElement(told, "PartNumber").text = str(part.number)
        ET.SubElement(told, "ETag").text = f'"{part.etag.strip(chr(34))}"'
    return ET.tostring(root)


def _whole(parts: Sequence[Part]) -> str | None:
    """Return the tag of an object whose parts have MD5s as their tags; None: of others it is not known."""
    try:
        digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
    except ValueError:
        return None
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"


def _told(body: bytes) -> ET.Element:
    return ET.fromstring(body)  # noqa: S314 - the store's own answer


def _text(told: ET.Element, name: str) -> str:
    """Return what stands under a name, whatever its namespace."""
    return next((one.text or "" for one in told.iter() if one.tag.rpartition("}")[2] == name), "")
