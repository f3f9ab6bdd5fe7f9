from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from loopwright.clock import ReplayClock
from loopwright.errors import CapabilityError, ConflictError, InvalidInputError, NotFoundError
from loopwright.ports import Blobs, Platform
from loopwright.ports.blobs import ABSENT, KEY_LIMIT, SEGMENT_LIMIT, Match
from loopwright.settings import Settings
from tests.contracts.racing import processes, threads, won


@pytest.fixture
def blobs(platform: Platform) -> Blobs:
    return platform.blobs


def test_an_object_comes_back_as_it_was_put(blobs: Blobs) -> None:
    etag = blobs.put("models/delays/3/model.onnx", b"\x00\xffbytes")
    found = blobs.get("models/delays/3/model.onnx")
    assert (found.data, found.etag) == (b"\x00\xffbytes", etag)


def test_an_empty_object_is_an_object(blobs: Blobs) -> None:
    blobs.put("empty", b"")
    assert blobs.get("empty").data == b""


def test_a_missing_object_is_not_found(blobs: Blobs) -> None:
    with pytest.raises(NotFoundError, match="a/b"):
        blobs.get("a/b")


def test_the_newest_bytes_win(blobs: Blobs) -> None:
    first = blobs.put("a", b"1")
    second = blobs.put("a", b"2")
    assert first != second
    assert blobs.get("a").data == b"2"


def test_a_key_may_continue_another_key(blobs: Blobs) -> None:
    blobs.put("a/b/c", b"below")
    blobs.put("a/b", b"above")
    assert (blobs.get("a/b").data, blobs.get("a/b/c").data) == (b"above", b"below")
    assert [info.key for info in blobs.list()] == ["a/b", "a/b/c"]


def test_absent_is_only_true_once(blobs: Blobs) -> None:
    blobs.put("a", b"1", expect=ABSENT)
    with pytest.raises(ConflictError, match="blob a"):
        blobs.put("a", b"2", expect=ABSENT)
    assert blobs.get("a").data == b"1"


def test_absent_is_true_again_after_a_delete(blobs: Blobs) -> None:
    blobs.put("a", b"1")
    blobs.delete("a")
    blobs.put("a", b"2", expect=ABSENT)
    assert blobs.get("a").data == b"2"


def test_a_match_is_only_true_of_the_newest_bytes(blobs: Blobs) -> None:
    old = blobs.put("a", b"1")
    blobs.put("a", b"2", expect=Match(old))
    with pytest.raises(ConflictError):
        blobs.put("a", b"3", expect=Match(old))
    assert blobs.get("a").data == b"2"


def test_nothing_matches_a_missing_object(blobs: Blobs) -> None:
    with pytest.raises(ConflictError, match="nothing"):
        blobs.put("a", b"1", expect=Match("sha256:0"))
    assert list(blobs.list()) == []


def test_deleting_what_is_not_there_does_nothing(blobs: Blobs) -> None:
    blobs.delete("a/b")
    blobs.put("a/b", b"1")
    blobs.delete("a/b")
    blobs.delete("a/b")
    assert list(blobs.list()) == []


def test_a_listing_has_what_starts_with_the_prefix_in_the_keys_order(blobs: Blobs) -> None:
    for key in ("run/a/z", "run/a-b", "run/a", "runs/a", "run/a0", "other"):
        blobs.put(key, key.encode())
    assert [info.key for info in blobs.list("run/a")] == ["run/a", "run/a-b", "run/a/z", "run/a0"]
    assert [info.key for info in blobs.list("run/")] == ["run/a", "run/a-b", "run/a/z", "run/a0"]
    assert [info.key for info in blobs.list("run")][-1] == "runs/a"
    assert len(list(blobs.list())) == 6
    assert list(blobs.list("nothing/here")) == []


def test_a_prefix_leads_nowhere_else(blobs: Blobs) -> None:
    blobs.put("a", b"1")
    for prefix in ("../", "/", "a//", "a/../", "./"):
        assert list(blobs.list(prefix)) == []


def test_a_listing_tells_tag_size_and_time(blobs: Blobs) -> None:
    etag = blobs.put("a/b", b"12345")
    (info,) = blobs.list("a")
    assert (info.etag, info.size) == (etag, 5)
    assert info.modified > 0


@pytest.mark.parametrize(
    "key", ["", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a b", "a\n", "a~", "ä", "a\\b", "a/b\x00"]
)
def test_a_key_outside_the_alphabet_is_refused(blobs: Blobs, key: str) -> None:
    for act in (blobs.get, blobs.delete, lambda each: blobs.put(each, b"")):
        with pytest.raises(InvalidInputError, match="blob key"):
            act(key)


def test_a_key_may_be_as_long_as_the_limits_say(blobs: Blobs) -> None:
    longest = "/".join(["s" * SEGMENT_LIMIT] * 4) + "/" + "x" * (KEY_LIMIT - 4 * SEGMENT_LIMIT - 4)
    blobs.put(longest, b"1")
    assert [info.key for info in blobs.list()] == [longest]
    for key in (longest + "x", "s" * (SEGMENT_LIMIT + 1)):
        with pytest.raises(InvalidInputError, match="the most"):
            blobs.put(key, b"")


@pytest.mark.parametrize("key", ["a.b", "...", "a@b", "a+b=c", "-", "_x.-"])
def test_a_key_inside_the_alphabet_is_taken(blobs: Blobs, key: str) -> None:
    blobs.put(key, b"1")
    assert [info.key for info in blobs.list()] == [key]


def test_signed_urls_are_a_capability(platform: Platform) -> None:
    platform.blobs.put("a", b"1")
    if platform.capabilities.signed_urls:
        assert platform.blobs.signed_url("a", method="GET", seconds=60).startswith("http")
    else:
        with pytest.raises(CapabilityError):
            platform.blobs.signed_url("a", method="GET", seconds=60)


def test_of_writers_in_a_race_for_a_new_key_one_wins(blobs: Blobs) -> None:
    wins = threads(8, lambda number: won(lambda: blobs.put("a", bytes([number]), expect=ABSENT)))
    assert sum(wins) == 1
    assert blobs.get("a").data == bytes([wins.index(True)])


def test_no_increment_is_lost_among_writers_that_match(blobs: Blobs) -> None:
    blobs.put("counter", b"0")

    def count(_: int) -> None:
        done = 0
        while done < 5:
            found = blobs.get("counter")
            more = str(int(found.data) + 1).encode()
            done += won(partial(blobs.put, "counter", more, expect=Match(found.etag)))

    threads(4, count)
    assert blobs.get("counter").data == b"20"


def test_a_reader_sees_a_whole_object(blobs: Blobs) -> None:
    size = 300_000
    blobs.put("a", b"0" * size)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [blobs.put("a", bytes([each]) * size) for each in range(30)])
        while not writing.done():
            data = blobs.get("a").data
            assert len(data) == size
            assert len(set(data)) == 1


def test_of_processes_in_a_race_for_a_new_key_one_wins(durable: Platform, settings: Settings) -> None:
    wins = processes(3, settings, put_first)
    assert sum(wins) == 1
    assert durable.blobs.get("a/b").data == bytes([wins.index(True)])


def put_first(platform: Platform, number: int) -> bool:
    return won(lambda: platform.blobs.put("a/b", bytes([number]), expect=ABSENT))


def test_objects_are_there_for_the_next_process(durable: Platform, settings: Settings, clock: ReplayClock) -> None:
    durable.blobs.put("a/b", b"1")
    assert processes(1, settings, get_first) == [b"1"]


def get_first(platform: Platform, number: int) -> bytes:
    return platform.blobs.get("a/b").data
