"""Objects of any size: read and written a piece at a time, and uploaded in parts by whoever has a URL."""

import io
import tracemalloc
from collections.abc import Iterator
from typing import BinaryIO
from urllib.request import Request, urlopen

import pytest
from typing_extensions import override

from loopwright.errors import CapabilityError, InvalidInputError, NotFoundError, UnavailableError
from loopwright.ports import Blobs, Platform
from loopwright.ports.blobs import PARTS_LIMIT, Part

MEGABYTE = 1024 * 1024
PART = 5 * MEGABYTE


@pytest.fixture
def blobs(platform: Platform) -> Blobs:
    return platform.blobs


@pytest.fixture
def uploading(platform: Platform) -> Blobs:
    """Blobs that are uploaded in parts."""
    if not platform.capabilities.part_uploads:
        pytest.skip("Capabilities.part_uploads is false: objects are put whole here")
    return platform.blobs


def upload(blobs: Blobs, key: str, identity: str, number: int, data: bytes) -> Part:
    """Do what a client does with a URL."""
    url = blobs.part_urls(key, identity, number, seconds=60)[-1]
    put = Request(url, data, {"Content-Type": "application/octet-stream"}, method="PUT")  # noqa: S310 - the world's
    with urlopen(put) as answer:  # noqa: S310
        return Part(number, answer.headers["ETag"])


class Broken(io.BytesIO):
    """A file that cannot be read to its end."""

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0 or self.tell() > 20 * MEGABYTE:
            raise OSError("the disk is gone")
        return super().read(size)


class Long(io.RawIOBase, BinaryIO):  # type: ignore[misc] # it is read, and nothing else
    """A file of zeros that is nowhere."""

    def __init__(self, size: int) -> None:
        self._left = size

    @override
    def read(self, size: int | None = -1, /) -> bytes:
        most = self._left if size is None or size < 0 else min(size, self._left)
        self._left -= most
        return bytes(most)


@pytest.mark.parametrize("size", [0, 1, 16 * MEGABYTE, 33 * MEGABYTE + 7])
def test_a_file_comes_back_as_it_was_put(blobs: Blobs, size: int) -> None:
    data = (b"0123456789abcde" * (size // 15 + 1))[:size]
    etag = blobs.put_file("a/b", io.BytesIO(data))
    (info,) = blobs.list()
    assert (info.key, info.size, info.etag) == ("a/b", size, etag)
    found = blobs.read("a/b")
    assert found.size == size
    assert b"".join(found.pieces) == data
    assert blobs.get("a/b").data == data


def test_a_file_is_put_from_where_it_stands_and_replaces_what_was_there(blobs: Blobs) -> None:
    blobs.put("a", b"old")
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    blobs.put_file("a", file)
    assert blobs.get("a").data == b"456789"


def test_a_file_that_breaks_off_leaves_what_was_there(blobs: Blobs) -> None:
    blobs.put("a", b"old")
    for key in ("a", "b"):
        with pytest.raises((OSError, UnavailableError), match="the disk is gone"):
            blobs.put_file(key, Broken(bytes(40 * MEGABYTE)))
    assert [(info.key, info.size) for info in blobs.list()] == [("a", 3)]


def test_nothing_is_read_of_what_is_not_there(blobs: Blobs) -> None:
    with pytest.raises(NotFoundError, match="a/b"):
        blobs.read("a/b")
    for act in (blobs.read, lambda key: blobs.put_file(key, io.BytesIO())):
        with pytest.raises(InvalidInputError, match="blob key"):
            act("a/../b")


def test_what_is_read_is_all_of_one_object(blobs: Blobs) -> None:
    size = 9 * MEGABYTE
    blobs.put("a", b"1" * size)
    pieces = blobs.read("a").pieces
    first = next(pieces)
    blobs.put("a", b"2" * size)
    assert set(first) == {ord("1")}
    assert set(whole_or_nothing(pieces)) <= {ord("1")}


def whole_or_nothing(pieces: Iterator[bytes]) -> bytes:
    """Return what is left to read; nothing if it cannot be read any more."""
    try:
        return b"".join(pieces)
    except UnavailableError:
        return b""


def test_who_stops_reading_leaves_nothing_open(blobs: Blobs) -> None:
    blobs.put("a", bytes(9 * MEGABYTE))
    found = blobs.read("a")
    next(found.pieces)
    found.pieces.close()
    assert list(found.pieces) == []
    blobs.read("a").pieces.close()
    blobs.delete("a")


def test_a_large_file_takes_little_memory(durable: Platform) -> None:
    size = 100 * MEGABYTE
    tracemalloc.start()
    try:
        durable.blobs.put_file("a", Long(size))
        assert sum(len(piece) for piece in durable.blobs.read("a").pieces) == size
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 60 * MEGABYTE


def test_an_upload_is_an_object_when_it_has_ended(uploading: Blobs) -> None:
    identity = uploading.begin_upload("a/b+c")
    second = upload(uploading, "a/b+c", identity, 2, b"second")
    upload(uploading, "a/b+c", identity, 1, b"x" * PART)
    first = upload(uploading, "a/b+c", identity, 1, b"1" * PART)
    assert list(uploading.list()) == []
    etag = uploading.end_upload("a/b+c", identity, [first, second])
    assert uploading.get("a/b+c").data == b"1" * PART + b"second"
    assert [info.etag for info in uploading.list()] == [etag]


def test_an_upload_that_was_aborted_leaves_nothing(uploading: Blobs) -> None:
    uploading.put("a", b"old")
    identity = uploading.begin_upload("a")
    part = upload(uploading, "a", identity, 1, b"new")
    uploading.abort_upload("a", identity)
    uploading.abort_upload("a", identity)
    with pytest.raises(NotFoundError, match="no such upload"):
        uploading.end_upload("a", identity, [part])
    assert uploading.get("a").data == b"old"


def test_an_upload_ends_with_the_parts_that_were_uploaded(uploading: Blobs) -> None:
    identity = uploading.begin_upload("a")
    part = upload(uploading, "a", identity, 1, b"1")
    for wrong in ([Part(2, part.etag)], [part, Part(2, part.etag)], []):
        with pytest.raises(InvalidInputError):
            uploading.end_upload("a", identity, wrong)
    assert list(uploading.list()) == []
    uploading.end_upload("a", identity, [part])
    assert uploading.get("a").data == b"1"


@pytest.mark.parametrize(("parts", "seconds"), [(0, 60), (PARTS_LIMIT + 1, 60), (1, 0), (1, 8 * 86_400)])
def test_urls_for_too_much_are_refused(uploading: Blobs, parts: int, seconds: int) -> None:
    with pytest.raises(InvalidInputError, match="URLs for"):
        uploading.part_urls("a", "upload", parts, seconds=seconds)


def test_uploads_in_parts_are_a_capability(platform: Platform) -> None:
    blobs = platform.blobs
    acts = [
        lambda: blobs.begin_upload("a"),
        lambda: blobs.part_urls("a", "1", 1, seconds=60),
        lambda: blobs.end_upload("a", "1", [Part(1, "2")]),
        lambda: blobs.abort_upload("a", "1"),
    ]
    if not platform.capabilities.part_uploads:
        for act in acts:
            with pytest.raises(CapabilityError, match="write it whole"):
                act()
