"""The storage of a Google on this machine keeps Google's promises in both of its APIs, on the same objects."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from typing_extensions import override

from adapters.connections import Connections, Reply
from adapters.gcp.signing import Signer, signed_url
from tests.clouds.google.accounts import ACCOUNT
from tests.clouds.google.throwaway import bucket_made
from tests.clouds.google.world import google
from tests.clouds.tools import MissingToolError

_S3 = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Storage:
    """One bucket, over bare HTTP."""

    def __init__(self, endpoint: str) -> None:
        self.bucket = bucket_made(endpoint).bucket
        self._host = endpoint.removeprefix("http://")
        self.connections = Connections(secure=False)

    def xml(self, method: str, rest: str, body: bytes = b"", **headers: str) -> Reply:
        """Ask the XML API; names of headers are told with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.connections.send(self._host, method, f"/{self.bucket}{rest}", named, body or None)

    def json(self, method: str, path: str, body: bytes = b"") -> Reply:
        return self.connections.send(self._host, method, path.replace("BUCKET", self.bucket), {}, body or None)

    def about(self, key: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.json("GET", f"/storage/v1/b/BUCKET/o/{key}").body)
        return told

    def page(self, query: str) -> tuple[list[str], list[str], str]:
        told = ET.fromstring(self.xml("GET", f"?list-type=2&{query}").body)  # noqa: S314 - ours
        keys = [each.findtext(f"{_S3}Key", "") for each in told.iterfind(f"{_S3}Contents")]
        folders = [each.findtext(f"{_S3}Prefix", "") for each in told.iterfind(f"{_S3}CommonPrefixes")]
        return keys, folders, told.findtext(f"{_S3}NextContinuationToken", "")


@pytest.fixture
def storage() -> Iterator[Storage]:
    try:
        opened = Storage(google("accounts", "storage"))
    except MissingToolError as error:
        pytest.skip(f"Google is not to be had: {error}")
    yield opened
    opened.connections.close()


def test_both_apis_see_the_same_objects(storage: Storage) -> None:
    put = storage.xml("PUT", "/a/b%2Bc", b"hello")
    assert (put.status, bool(put.headers["etag"])) == (200, True)
    assert storage.about("a%2Fb%2Bc")["generation"] == put.headers["x-goog-generation"]
    storage.json("POST", "/upload/storage/v1/b/BUCKET/o?uploadType=media&name=a/b%2Bc", b"again")
    got = storage.xml("GET", "/a/b%2Bc")
    assert (got.body, got.headers["etag"] != put.headers["etag"]) == (b"again", True)
    assert storage.xml("GET", "/a%2Fb%2Bc").body == b"again"
    assert storage.xml("DELETE", "/a/b%2Bc").status == 204
    assert storage.json("GET", "/storage/v1/b/BUCKET/o/a%2Fb%2Bc").status == 404


def test_what_is_not_there_is_not_found(storage: Storage) -> None:
    for method in ("GET", "HEAD", "DELETE"):
        assert storage.xml(method, "/a").status == 404
    assert storage.xml("PUT", "/b", x_goog_copy_source=f"{storage.bucket}/a").status == 404


def test_a_head_tells_what_a_get_would_bring(storage: Storage) -> None:
    storage.xml("PUT", "/a", b"hello")
    head, got = storage.xml("HEAD", "/a"), storage.xml("GET", "/a")
    assert head.body == b""
    for name in ("content-length", "last-modified", "x-goog-generation", "x-goog-hash"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize(("asked", "part"), [("bytes=1-2", b"el"), ("bytes=3-", b"lo"), ("bytes=-2", b"lo")])
def test_a_part_of_an_object(storage: Storage, asked: str, part: bytes) -> None:
    storage.xml("PUT", "/a", b"hello")
    got = storage.xml("GET", "/a", range=asked)
    assert (got.status, got.body) == (206, part)


def test_of_writers_that_expect_nothing_one_wins(storage: Storage) -> None:
    with ThreadPoolExecutor(8) as pool:
        done = list(
            pool.map(lambda n: storage.xml("PUT", "/a", bytes([n]), x_goog_if_generation_match="0").status, range(8))
        )
    assert sorted(done) == [200, *[412] * 7]
    assert storage.xml("GET", "/a").body == bytes([done.index(200)])


def test_an_expectation_holds_for_every_kind_of_write(storage: Storage) -> None:
    first = storage.xml("PUT", "/a", b"1").headers["x-goog-generation"]
    source = f"{storage.bucket}/a"
    assert storage.xml("PUT", "/a", b"2", x_goog_if_generation_match=first).status == 200
    assert storage.xml("PUT", "/a", b"3", x_goog_if_generation_match=first).status == 412
    assert storage.xml("PUT", "/b", x_goog_copy_source=source, x_goog_if_generation_match="0").status == 200
    assert storage.xml("PUT", "/b", x_goog_copy_source=source, x_goog_if_generation_match="0").status == 412
    upload = "/upload/storage/v1/b/BUCKET/o?uploadType=media&name=a&ifGenerationMatch="
    assert storage.json("POST", f"{upload}{first}", b"4").status == 412
    assert storage.json("POST", f"{upload}{storage.about('a')['generation']}", b"5").status == 200
    assert (storage.xml("GET", "/a").body, storage.xml("GET", "/b").body) == (b"5", b"2")


def test_what_would_not_be_heeded_is_refused(storage: Storage) -> None:
    storage.xml("PUT", "/a", b"1")
    for method, rest in (
        ("DELETE", "a?ifGenerationMatch=7"),
        ("GET", "a?alt=media&ifGenerationMatch=7"),
        ("POST", "a/rewriteTo/b/BUCKET/o/b?ifGenerationMatch=7"),
    ):
        assert storage.json(method, f"/storage/v1/b/BUCKET/o/{rest}").status == 501
    assert storage.xml("PUT", "/a", b"2", x_goog_acl="public-read").status == 501
    assert storage.xml("GET", "/a").body == b"1"


def test_a_listing_in_pages(storage: Storage) -> None:
    for key in ("a/1", "a/2", "a/b/3", "a/c/4", "a/c/5", "a-", "b"):
        storage.xml("PUT", f"/{key}", b"")
    assert storage.page("prefix=a/") == (["a/1", "a/2", "a/b/3", "a/c/4", "a/c/5"], [], "")
    assert storage.page("prefix=a/&delimiter=/") == (["a/1", "a/2"], ["a/b/", "a/c/"], "")
    assert storage.page("prefix=a/&start-after=a/2") == (["a/b/3", "a/c/4", "a/c/5"], [], "")
    keys, folders, page = storage.page("prefix=a/&delimiter=/&max-keys=3")
    assert (keys, folders) == (["a/1", "a/2"], ["a/b/"])
    assert storage.page(f"prefix=a/&delimiter=/&max-keys=3&continuation-token={page}") == ([], ["a/c/"], "")


def test_an_upload_in_parts(storage: Storage) -> None:
    begun = ET.fromstring(storage.xml("POST", "/a?uploads").body)  # noqa: S314 - ours
    upload = begun.findtext(f"{_S3}UploadId", "")
    assert storage.xml("PUT", f"/a?partNumber=2&uploadId={upload}", b"second").status == 200
    assert storage.xml("PUT", f"/a?partNumber=1&uploadId={upload}", b"first").status == 200
    assert storage.xml("GET", "/a").status == 404
    parts = "".join(f"<Part><PartNumber>{number}</PartNumber><ETag>x</ETag></Part>" for number in (1, 2))
    whole = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    assert storage.xml("POST", f"/a?uploadId={upload}", whole.replace(b">2<", b">3<")).status == 400
    assert storage.xml("POST", f"/a?uploadId={upload}", whole).status == 200
    assert storage.xml("GET", "/a").body == b"firstsecond"
    assert storage.xml("POST", f"/a?uploadId={upload}", whole).status == 404


def test_an_upload_that_was_given_up(storage: Storage) -> None:
    upload = ET.fromstring(storage.xml("POST", "/a?uploads").body).findtext(f"{_S3}UploadId", "")  # noqa: S314
    assert storage.xml("DELETE", f"/a?uploadId={upload}").status == 204
    assert storage.xml("PUT", f"/a?partNumber=1&uploadId={upload}", b"x").status == 404


class Anybody(Signer):
    """Signs with what is no signature."""

    @override
    def account(self) -> str:
        return ACCOUNT

    @override
    def sign(self, text: bytes, *, seconds: int) -> bytes:
        return b"no signature"


def test_a_url_that_has_ended_is_refused(storage: Storage) -> None:
    storage.xml("PUT", "/a", b"1")
    long_ago = signed_url(
        "http://x", f"/{storage.bucket}/a", method="GET", seconds=60, now=1_356_998_400.0, signer=Anybody()
    )
    assert b"expired" in storage.xml("GET", long_ago.removeprefix(f"http://x/{storage.bucket}")).body
