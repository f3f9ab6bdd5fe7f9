import base64
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import pytest

from adapters.gcp.api import ATTEMPTS, Api, Clients
from adapters.gcp.blobs import GcsBlobs
from adapters.gcp.place import GcpPlace
from adapters.gcp.provider import STORAGE
from adapters.gcp.signing import MachineSigner, PersonSigner
from adapters.gcp.tokens import Nobody
from loopwright.errors import ConflictError, DeniedError, InvalidInputError, NotFoundError, UnavailableError
from loopwright.ports.blobs import ABSENT, Match
from tests.adapters.gcp.seen import Seen
from tests.clouds.losing import Losses
from tests.clouds.scripted import Answer, Script, scripted

DAY = 86_400
NO_OBJECT = b"No such object: bucket/blobs/a"
NO_BUCKET = b'{"error":{"code":404,"message":"The specified bucket does not exist."}}'


@pytest.fixture
def blobs(clients: Clients, place: GcpPlace, signer: MachineSigner) -> GcsBlobs:
    return GcsBlobs(clients.api(STORAGE), place, prefix="blobs/", signer=signer)


@contextmanager
def scripted_blobs(*answers: Answer) -> Iterator[tuple[GcsBlobs, Script]]:
    with scripted(*answers) as script:
        api = Api(STORAGE, endpoint=script.endpoint, tokens=Nobody(), sleep=lambda _: None)
        place = GcpPlace("project", "europe-west3", "bucket", "d", "q", endpoint=script.endpoint)
        yield GcsBlobs(api, place, prefix="blobs/", signer=PersonSigner()), script
        api.close()


def hashed(data: bytes) -> dict[str, str]:
    md5 = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    return {"x-goog-hash": f"crc32c=AAAAAA==,md5={md5}", "x-goog-generation": "7"}


def test_lost_answers_cost_a_large_file_nothing(blobs: GcsBlobs, losses: Losses) -> None:
    data = bytes(range(256)) * 80_000
    for method, part, count in (("POST", "uploads", 1), ("PUT", "partNumber", 2)):
        losses.method, losses.part, losses.count = method, part, count
        blobs.put_file("large", io.BytesIO(data))
        assert losses.count == 0
    losses.method, losses.part, losses.count = "GET", "large", 3
    found = blobs.read("large")
    assert (found.size, b"".join(found.pieces)) == (len(data), data)


def test_a_write_whose_answer_was_lost_knows_itself_again(blobs: GcsBlobs, losses: Losses) -> None:
    losses.method, losses.count = "POST", 2
    first = blobs.put("a", b"1", expect=ABSENT)
    losses.count = 2
    second = blobs.put("a", b"2", expect=Match(first))
    assert len(losses.lost) == 4
    assert (blobs.get("a").data, blobs.get("a").etag) == (b"2", second)


def test_a_lost_answer_wins_no_race(blobs: GcsBlobs, losses: Losses) -> None:
    blobs.put("a", b"1")
    losses.method, losses.count = "POST", 1
    with pytest.raises(ConflictError, match="blob a"):
        blobs.put("a", b"1", expect=ABSENT)
    assert losses.count == 0


def test_a_write_that_was_replaced_before_it_was_known_again_has_lost(
    blobs: GcsBlobs, losses: Losses, seen: Seen
) -> None:
    blobs.put("a", b"0")
    losses.method, losses.count = "POST", 1
    tag = blobs.get("a").etag
    losses.then = lambda: seen.put("blobs/a", b"another's")
    with pytest.raises(ConflictError, match=f"expected {tag}; found generation"):
        blobs.put("a", b"1", expect=Match(tag))
    assert blobs.get("a").data == b"another's"


def test_lost_answers_cost_no_reader_his_object(blobs: GcsBlobs, losses: Losses) -> None:
    blobs.put("a", b"1")
    losses.method, losses.count = "GET", 3
    assert blobs.get("a").data == b"1"
    losses.count = 1
    assert [info.key for info in blobs.list()] == ["a"]
    losses.method, losses.count = "DELETE", 1
    blobs.delete("a")
    assert losses.count == 0
    assert list(blobs.list()) == []


@pytest.mark.parametrize("tag", ["0", "", "sha256:1", "1.5", "-1"])
def test_what_is_no_generation_matches_nothing(blobs: GcsBlobs, tag: str) -> None:
    with pytest.raises(ConflictError, match="found nothing"):
        blobs.put("a", b"1", expect=Match(tag))
    there = blobs.put("a", b"1")
    with pytest.raises(ConflictError, match=f"found generation {there}"):
        blobs.put("a", b"2", expect=Match(tag))
    assert blobs.get("a").data == b"1"


def test_equal_bytes_have_tags_of_their_own(blobs: GcsBlobs) -> None:
    first = blobs.put("a", b"1")
    second = blobs.put("a", b"1")
    assert first != second
    with pytest.raises(ConflictError):
        blobs.put("a", b"2", expect=Match(first))


def test_a_listing_goes_on_over_its_pages(blobs: GcsBlobs, seen: Seen) -> None:
    keys = [f"many/{number:04}" for number in range(1_005)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: seen.put(f"blobs/{key}", b"1"), keys))
    assert [info.key for info in blobs.list("many/")] == keys


def test_a_prefix_is_a_room_of_its_own(clients: Clients, place: GcpPlace, blobs: GcsBlobs, seen: Seen) -> None:
    other = GcsBlobs(clients.api(STORAGE), place, prefix="overflow/", signer=PersonSigner())
    blobs.put("a", b"1")
    other.put("b", b"2")
    assert [info.key for info in blobs.list()] == ["a"]
    assert seen.objects() == ["blobs/a", "overflow/b"]


@pytest.mark.parametrize("data", [b"", b"\r\n--", b"--\r\n\r\n--", bytes(range(256)) * 40_000])
def test_bytes_that_look_like_the_way_they_are_sent_come_back(blobs: GcsBlobs, data: bytes) -> None:
    blobs.put("a", data)
    assert blobs.get("a").data == data


def test_whoever_has_a_url_reads_and_writes_one_object(blobs: GcsBlobs) -> None:
    url = blobs.signed_url("a/b=1+2", method="PUT", seconds=60)
    put = UrlRequest(url, b"1", {"Content-Type": "application/octet-stream"}, method="PUT")  # noqa: S310 - ours
    with urlopen(put) as answer:  # noqa: S310
        assert answer.status == 200
    with urlopen(blobs.signed_url("a/b=1+2", method="GET", seconds=60)) as answer:  # noqa: S310
        assert answer.read() == b"1"


def test_a_url_is_good_for_nothing_else(blobs: GcsBlobs) -> None:
    blobs.put("a", b"1")
    blobs.put("b", b"2")
    url = blobs.signed_url("a", method="GET", seconds=60)
    for other in (
        UrlRequest(url.replace("/a?", "/b?")),  # noqa: S310
        UrlRequest(url, b"3", method="PUT"),  # noqa: S310
        UrlRequest(url.replace("Expires=60", "Expires=600")),  # noqa: S310
    ):
        with pytest.raises(HTTPError) as told:
            urlopen(other)  # noqa: S310
        told.value.close()
        assert told.value.code == 403
    assert blobs.get("a").data == b"1"


@pytest.mark.parametrize(("method", "seconds"), [("DELETE", 60), ("GET", 0), ("GET", 8 * DAY)])
def test_a_url_for_too_much_is_refused(blobs: GcsBlobs, method: str, seconds: int) -> None:
    with pytest.raises(InvalidInputError, match="use GET or PUT"):
        blobs.signed_url("a", method=method, seconds=seconds)


def test_a_machine_signs_for_half_a_day(blobs: GcsBlobs) -> None:
    with pytest.raises(InvalidInputError, match="43,200 s at most"):
        blobs.signed_url("a", method="GET", seconds=DAY)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(403), DeniedError),
        (Answer(401), DeniedError),
        (Answer(404, NO_BUCKET), UnavailableError),
        (Answer(503), UnavailableError),
        (Answer(429), UnavailableError),
    ],
)
def test_what_storage_refuses_is_told_apart(answer: Answer, error: type[Exception]) -> None:
    acts: list[Callable[[GcsBlobs], object]] = [
        lambda blobs: blobs.get("a"),
        lambda blobs: blobs.put("a", b"", expect=ABSENT),
        lambda blobs: blobs.delete("a"),
        lambda blobs: list(blobs.list()),
    ]
    with scripted_blobs(*[answer] * ATTEMPTS * len(acts)) as (blobs, _):
        for act in acts:
            with pytest.raises(error, match="could not") as told:
                act(blobs)
            assert told.value.__cause__ is not None


def test_a_missing_object_is_told_from_a_missing_bucket() -> None:
    with scripted_blobs(Answer(404, NO_OBJECT), Answer(404, NO_OBJECT)) as (blobs, script):
        with pytest.raises(NotFoundError, match="blob a"):
            blobs.get("a")
        blobs.delete("a")
    assert [asked.method for asked in script.asked] == ["GET", "DELETE"]


def test_storage_that_is_slow_down_or_gone_for_a_moment_is_asked_again() -> None:
    done = Answer(200, b'{"generation":"8"}')
    with scripted_blobs(Answer(503), Answer(429), Answer(lost=True), done) as (blobs, script):
        assert blobs.put("a", b"1", expect=Match("7")) == "8"
    assert len({(asked.target, asked.body) for asked in script.asked}) == 1
    assert "ifGenerationMatch=7" in script.asked[0].target


def test_a_write_that_may_not_look_whether_it_went_through_says_so() -> None:
    denied = pytest.raises(DeniedError, match="could not look at gs://bucket/blobs/a")
    with scripted_blobs(Answer(lost=True), Answer(412), Answer(403)) as (blobs, _), denied:
        blobs.put("a", b"1", expect=ABSENT)


def test_an_upload_says_what_its_bytes_are() -> None:
    with scripted_blobs(Answer(200, b'{"generation":"8"}')) as (blobs, script):
        blobs.put("a", b"hello")
    _, about, data, _ = script.asked[0].body.split(b"--" + script.asked[0].headers["content-type"][-32:].encode())
    told = json.loads(about.partition(b"\r\n\r\n")[2])
    assert told["name"] == "blobs/a"
    assert base64.b64decode(told["md5Hash"]) == hashlib.md5(b"hello", usedforsecurity=False).digest()
    assert data.partition(b"\r\n\r\n")[2] == b"hello\r\n"


def test_bytes_that_are_not_those_that_were_stored_are_given_to_nobody() -> None:
    good, bad = hashed(b"stored"), hashed(b"what was stored")
    packed = {**bad, "x-goog-stored-content-encoding": "gzip"}
    put_together = {"x-goog-hash": "crc32c=AAAAAA==", "x-goog-generation": "9"}
    answers = [Answer(200, b"stored", headers) for headers in (good, put_together, packed, bad)]
    # Each digest may have a line of its own.
    crc, _, md5 = bad["x-goog-hash"].partition(",")
    answers.append(Answer(200, b"stored", {"x-goog-hash": md5, "X-Goog-Hash": crc}))
    with scripted_blobs(*answers) as (blobs, _):
        assert [blobs.get("a").etag for _ in range(3)] == ["7", "9", "7"]
        for _ in range(2):
            with pytest.raises(UnavailableError, match="not what was stored"):
                blobs.get("a")
