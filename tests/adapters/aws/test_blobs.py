import io
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import pytest

from adapters.aws.api import Api
from adapters.aws.blobs import S3Blobs
from adapters.aws.credentials import CredentialsKeeper
from adapters.aws.place import AwsPlace
from adapters.aws.signing import Credentials
from loopwright.errors import ConflictError, DeniedError, InvalidInputError, UnavailableError
from loopwright.ports.blobs import ABSENT, Match
from tests.clouds.aws import client, moto
from tests.clouds.losing import Losses
from tests.clouds.scripted import Answer, scripted


@pytest.fixture
def blobs(api: Api, place: AwsPlace) -> S3Blobs:
    return S3Blobs(api, place, prefix="blobs/")


def test_a_write_whose_answer_was_lost_knows_itself_again(blobs: S3Blobs, losses: Losses) -> None:
    losses.method, losses.count = "PUT", 2
    first = blobs.put("a", b"1", expect=ABSENT)
    losses.count = 2
    second = blobs.put("a", b"2", expect=Match(first))
    assert len(losses.lost) == 4
    assert (blobs.get("a").data, blobs.get("a").etag) == (b"2", second)


def test_a_lost_answer_wins_no_race(blobs: S3Blobs, losses: Losses) -> None:
    blobs.put("a", b"1")
    losses.method, losses.count = "PUT", 1
    with pytest.raises(ConflictError, match="blob a"):
        blobs.put("a", b"1", expect=ABSENT)
    assert losses.count == 0


def test_lost_answers_cost_no_reader_his_object(blobs: S3Blobs, losses: Losses) -> None:
    blobs.put("a", b"1")
    losses.method, losses.count = "GET", 3
    assert blobs.get("a").data == b"1"
    losses.count = 1
    assert [info.key for info in blobs.list()] == ["a"]
    losses.method, losses.count = "DELETE", 1
    blobs.delete("a")
    assert list(blobs.list()) == []


def test_lost_answers_cost_a_large_file_nothing(blobs: S3Blobs, losses: Losses) -> None:
    data = bytes(range(256)) * 80_000
    for method, part, count in (("POST", "uploads", 1), ("PUT", "partNumber", 2), ("POST", "uploadId", 1)):
        losses.method, losses.part, losses.count = method, part, count
        blobs.put_file("large", io.BytesIO(data))
        assert losses.count == 0
    losses.method, losses.part, losses.count = "GET", "large", 3
    found = blobs.read("large")
    assert (found.size, b"".join(found.pieces)) == (len(data), data)


def test_a_listing_goes_on_over_its_pages(blobs: S3Blobs, place: AwsPlace) -> None:
    keys = [f"many/{number:04}" for number in range(1_005)]
    s3 = client(moto(), "s3")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3.put_object(Bucket=place.bucket, Key=f"blobs/{key}", Body=b"1"), keys))
    assert [info.key for info in blobs.list("many/")] == keys


def test_a_prefix_is_a_room_of_its_own(api: Api, place: AwsPlace, blobs: S3Blobs) -> None:
    other = S3Blobs(api, place, prefix="overflow/")
    blobs.put("a", b"1")
    other.put("b", b"2")
    assert [info.key for info in blobs.list()] == ["a"]
    found = client(moto(), "s3").list_objects_v2(Bucket=place.bucket)["Contents"]
    assert [each["Key"] for each in found] == ["blobs/a", "overflow/b"]


def test_whoever_has_a_url_reads_and_writes_one_object(blobs: S3Blobs) -> None:
    url = blobs.signed_url("a/b", method="PUT", seconds=60)
    put = UrlRequest(url, b"1", {"Content-Type": "application/octet-stream"}, method="PUT")  # noqa: S310 - ours
    with urlopen(put) as answer:  # noqa: S310
        assert answer.status == 200
    with urlopen(blobs.signed_url("a/b", method="GET", seconds=60)) as answer:  # noqa: S310
        assert answer.read() == b"1"


@pytest.mark.parametrize(("method", "seconds"), [("DELETE", 60), ("GET", 0), ("GET", 8 * 86_400)])
def test_a_url_for_too_much_is_refused(blobs: S3Blobs, method: str, seconds: int) -> None:
    with pytest.raises(InvalidInputError, match="use GET or PUT"):
        blobs.signed_url("a", method=method, seconds=seconds)


@pytest.mark.parametrize(
    ("bucket", "url"),
    [
        ("plain", "https://plain.s3.eu-central-1.amazonaws.com/blobs/a%2Bb?X-Amz-"),
        ("with.dots", "https://s3.eu-central-1.amazonaws.com/with.dots/blobs/a%2Bb?X-Amz-"),
    ],
)
def test_a_bucket_on_aws_has_a_host_of_its_own_where_a_certificate_covers_it(bucket: str, url: str) -> None:
    keeper = CredentialsKeeper(lambda: Credentials("A", "S"), lambda: 0.0)
    blobs = S3Blobs(
        Api("s3", "eu-central-1", credentials=keeper), AwsPlace("eu-central-1", bucket, "t", "q", "b"), prefix="blobs/"
    )
    assert blobs.signed_url("a+b", method="GET", seconds=60).startswith(url)


@pytest.mark.parametrize(
    ("code", "error"),
    [("AccessDenied", DeniedError), ("NoSuchBucket", UnavailableError), ("SlowDown", UnavailableError)],
)
def test_what_s3_refuses_is_told_apart(code: str, error: type[Exception]) -> None:
    keeper = CredentialsKeeper(lambda: Credentials("A", "S"), lambda: 0.0)
    answer = Answer(403 if code == "AccessDenied" else 404, f"<Error><Code>{code}</Code></Error>".encode())
    with scripted(*[answer] * 30) as script:
        place = AwsPlace("eu-central-1", "x", "t", "q", "b", endpoint=script.endpoint)
        api = Api("s3", "eu-central-1", endpoint=script.endpoint, credentials=keeper, sleep=lambda _: None)
        blobs = S3Blobs(api, place, prefix="blobs/")
        for act in (lambda: blobs.get("a"), lambda: blobs.put("a", b""), lambda: list(blobs.list())):
            with pytest.raises(error, match="could not") as told:
                act()
            assert told.value.__cause__ is not None
        api.close()


def test_writers_that_s3_sends_against_each_other_try_again() -> None:
    keeper = CredentialsKeeper(lambda: Credentials("A", "S"), lambda: 0.0)
    conflict = Answer(409, b"<Error><Code>ConditionalRequestConflict</Code></Error>")
    with scripted(conflict, Answer(200, headers={"ETag": '"tag"'})) as script:
        place = AwsPlace("eu-central-1", "x", "t", "q", "b", endpoint=script.endpoint)
        api = Api("s3", "eu-central-1", endpoint=script.endpoint, credentials=keeper, sleep=lambda _: None)
        assert S3Blobs(api, place, prefix="blobs/").put("a", b"1", expect=Match("old")) == "tag"
        api.close()
    assert [asked.headers["if-match"] for asked in script.asked] == ['"old"'] * 2
