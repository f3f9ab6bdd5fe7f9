"""Time and identity."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.clock import ReplayClock, isoformat, new_id, parse_time


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
        for moment in range(300):
            clock.set(moment + 0.25)
        assert {one % 1 for one in seen} <= {0.25, 0.5}
