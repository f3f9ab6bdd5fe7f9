import numpy as np
from arro3.core import Table

from loopwright.ports import Lake, Platform
from loopwright.settings import Settings
from tests.contracts.lake_rows import T, ids, named, rows
from tests.contracts.racing import processes, threads


def test_maintenance_changes_no_version_that_is_kept(lake: Lake) -> None:
    for number in range(6):
        lake.append(T, rows(3 * number))
    digests = {version: lake.digest(T, version=version) for version in range(6)}
    done = lake.maintain(T, keep_seconds=3_600.0)
    assert done.files_before == 6
    assert done.files_after <= 6
    assert done.files_expired == 0
    for version, digest in digests.items():
        assert lake.digest(T, version=version) == digest
        assert ids(lake.read_columns(T, version=version)) == named(0, 3 * version + 3)
    assert ids(lake.read_columns(T)) == named(0, 18)


def test_changes_go_through_maintenance_as_if_there_were_none(lake: Lake) -> None:
    before = [lake.append(T, rows(3 * number)) for number in range(3)]
    lake.maintain(T, keep_seconds=3_600.0)
    after = [lake.append(T, rows(3 * number)) for number in range(3, 6)]
    lake.maintain(T, keep_seconds=3_600.0)
    newest = lake.version(T)
    assert newest is not None
    assert ids(lake.changed_columns(T, since=-1, until=newest)) == named(0, 18)
    assert ids(lake.changed_columns(T, since=before[0], until=after[0])) == named(3, 9)
    assert ids(lake.changed_columns(T, since=before[2], until=newest)) == named(9, 9)
    assert ids(lake.changed_columns(T, since=after[2], until=newest)) == []


def test_kept_versions_outlive_the_others(lake: Lake) -> None:
    versions = [lake.append(T, rows(3 * number)) for number in range(4)]
    digests = [lake.digest(T, version=version) for version in versions]
    lake.maintain(T, keep_seconds=0.0, keep_versions=[versions[1]])
    lake.maintain(T, keep_seconds=0.0, keep_versions=[versions[1]])
    assert lake.digest(T, version=versions[1]) == digests[1]
    assert ids(lake.read_columns(T, version=versions[1])) == named(0, 6)
    assert ids(lake.read_columns(T)) == named(0, 12)
    assert lake.append(T, rows(12), transaction="next") == lake.version(T)
    assert ids(lake.read_columns(T)) == named(0, 15)


def test_what_came_after_a_kept_version_outlives_maintenance(lake: Lake) -> None:
    versions = [lake.append(T, rows(3 * number)) for number in range(3)]
    lake.maintain(T, keep_seconds=0.0, keep_since=versions[1])
    versions.append(lake.append(T, rows(9)))
    lake.maintain(T, keep_seconds=0.0, keep_since=versions[1])
    assert ids(lake.changed_columns(T, since=versions[1], until=versions[3])) == named(6, 6)
    assert ids(lake.read_columns(T, version=versions[2])) == named(0, 9)


def test_concurrent_appends_all_land(lake: Lake) -> None:
    versions = threads(4, lambda number: [lake.append(T, rows(100 * number + 3 * turn)) for turn in range(3)])
    assert sorted(version for each in versions for version in each) == list(range(12))
    assert ids(lake.read_columns(T)) == sorted(
        each for number in range(4) for turn in range(3) for each in named(100 * number + 3 * turn)
    )


def test_new_columns_in_a_race_all_land(lake: Lake) -> None:
    threads(4, lambda number: lake.append(T, {**rows(3 * number), f"new{number}": np.ones(3)}))
    assert set(lake.schema(T)) == {"id", "at", "x", "new0", "new1", "new2", "new3"}
    assert ids(lake.read_columns(T)) == named(0, 12)


def test_a_transaction_in_a_race_appends_once(lake: Lake) -> None:
    versions = threads(4, lambda _: lake.append(T, rows(0), transaction="same"))
    assert set(versions) == {0}
    assert ids(lake.read_columns(T)) == named(0)


def test_processes_append_to_one_table(durable: Platform, settings: Settings) -> None:
    processes(3, settings, append_and_repeat)
    assert ids(durable.lake.read_columns(T)) == sorted(
        named(900) + [each for number in range(3) for turn in range(3) for each in named(100 * number + 3 * turn)]
    )
    assert durable.lake.version(T) == 9


def append_and_repeat(platform: Platform, number: int) -> None:
    platform.lake.append(T, rows(900), transaction="same")
    for turn in range(3):
        platform.lake.append(T, rows(100 * number + 3 * turn))
        platform.lake.append(T, rows(900), transaction="same")


def test_a_reader_and_maintenance_do_not_disturb_each_other(lake: Lake) -> None:
    for number in range(6):
        lake.append(T, rows(3 * number))
    stream = lake.read(T)
    lake.maintain(T, keep_seconds=3_600.0)
    assert Table.from_arrow(stream).num_rows == 18
