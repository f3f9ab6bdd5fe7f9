"""Time and identity."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.clock import ReplayClock, isoformat, new_id, parse_time
from loopwright.errors import UnavailableError


@given(st.integers(min_value=0, max_value=4_000_000_000_000_000))
def test_a_moment_survives_its_text(microseconds: int) -> None:
    moment = microseconds / 1e6
    assert parse_time(isoformat(moment)) == pytest.approx(moment, abs=1e-6)


def test_text_without_an_offset_is_utc() -> None:
    assert parse_time("2013-03-01T12:00:00") == parse_time("2013-03-01T12:00:00Z") == 1362139200.0


def test_text_with_an_offset_is_moved_to_utc() -> None:
    assert parse_time("2013-03-01T07:00:00-05:00") == 1362139200.0


def test_ids_are_unique_and_sort_by_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert [one[:12] for one in ids] == sorted(one[:12] for one in ids)
    assert {len(one) for one in ids} == {32}
    assert {one[12] for one in ids} == {"7"}


def test_readers_of_a_replay_clock_never_see_half_a_moment(tmp_path: Path) -> None:
    clock = ReplayClock(tmp_path / "now")
    clock.set(1.5)

    def read(_: int) -> float:
        return clock()

    with ThreadPoolExecutor(4) as pool:
        seen = pool.map(read, range(2000))
        told = [float(7**place) for place in range(20)] * 50
        for moment in told:
            clock.set(moment)
        assert set(seen) <= {1.5, *told}


def test_a_clock_that_was_written_by_hand_is_read_and_moved(tmp_path: Path) -> None:
    (tmp_path / "now").write_text("1362096000\n")
    clock = ReplayClock(tmp_path / "now")
    assert clock() == 1_362_096_000.0
    clock.set(2.0)
    assert clock() == 2.0


def test_a_clock_that_was_left_half_written_says_so(tmp_path: Path) -> None:
    clock = ReplayClock(tmp_path / "now")
    clock.set(1.0)
    with (tmp_path / "now").open("r+") as file:
        file.write("2.0".rjust(32))
    with pytest.raises(UnavailableError, match="half written"):
        clock()
    clock.set(3.0)
    assert clock() == 3.0
