import os
import time
from pathlib import Path

import numpy as np
import pytest
from deltalake import DeltaTable

from adapters.local.lake import LocalLake
from loopwright.columns import Columns
from loopwright.errors import NotFoundError, UnavailableError

T = "predictions/delays"


@pytest.fixture
def lake(tmp_path: Path) -> LocalLake:
    return LocalLake(tmp_path / "lake")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "lake" / "predictions~" / "delays"


def rows(*numbers: float) -> Columns:
    return {"x": np.array(numbers)}


def appended(lake: LocalLake, count: int = 4) -> list[int]:
    return [lake.append(T, rows(float(number))) for number in range(count)]


def test_compaction_makes_one_file_of_many(lake: LocalLake) -> None:
    appended(lake, 6)
    done = lake.maintain(T, keep_seconds=3_600.0)
    assert (done.files_before, done.files_after, done.files_expired) == (6, 1, 0)
    again = lake.maintain(T, keep_seconds=3_600.0)
    assert (again.files_before, again.files_after, again.files_expired) == (1, 1, 0)


def test_an_expired_version_is_not_found(lake: LocalLake) -> None:
    versions = appended(lake)
    done = lake.maintain(T, keep_seconds=0.0, keep_versions=[versions[1]])
    assert done.files_expired == 2
    for act in (
        lambda: lake.read(T, version=versions[2]),
        lambda: lake.read_columns(T, version=versions[3]),
        lambda: lake.changes(T, since=versions[0], until=versions[2]),
        lambda: lake.changed_columns(T, since=-1, until=versions[3]),
    ):
        with pytest.raises(NotFoundError, match="expired"):
            act()
    assert sorted(lake.read_columns(T, version=versions[0])["x"]) == [0.0]
    assert sorted(lake.read_columns(T, version=versions[1])["x"]) == [0.0, 1.0]
    assert sorted(lake.changed_columns(T, since=-1, until=versions[1])["x"]) == [0.0, 1.0]
    assert sorted(lake.read_columns(T)["x"]) == [0.0, 1.0, 2.0, 3.0]


def test_files_of_writers_that_died_are_swept_when_they_are_old(lake: LocalLake, folder: Path) -> None:
    appended(lake, 2)
    fresh, old = folder / "part-fresh.parquet", folder / "part-old.parquet"
    for orphan in (fresh, old):
        orphan.write_bytes(b"half")
    os.utime(old, (time.time() - 10 * 86_400,) * 2)
    lake.maintain(T, keep_seconds=86_400.0)
    assert fresh.exists()
    assert not old.exists()
    assert sorted(lake.read_columns(T)["x"]) == [0.0, 1.0]


def test_others_read_the_same_table(lake: LocalLake, folder: Path) -> None:
    lake.append(T, {"x": np.array([1.0, np.nan]), "s": np.array(["a", ""], dtype=object)})
    table = DeltaTable(folder)
    assert [(field.name, field.type.type) for field in table.schema().fields] == [("x", "double"), ("s", "string")]
    assert table.scan(predicate="s IS NULL AND x IS NULL").read_all().num_rows == 1


def test_another_lakes_appends_are_seen_at_once(lake: LocalLake, tmp_path: Path) -> None:
    other = LocalLake(tmp_path / "lake")
    for number in range(3):
        assert lake.append(T, rows(number)) == other.version(T) == 2 * number
        assert other.append(T, rows(number)) == lake.version(T) == 2 * number + 1
    assert len(lake.read_columns(T)["x"]) == len(other.read_columns(T)["x"]) == 6


def test_a_damaged_file_is_no_wrong_answer(lake: LocalLake, folder: Path) -> None:
    appended(lake, 1)
    (data,) = folder.glob("*.parquet")
    data.write_bytes(data.read_bytes()[:-20])
    with pytest.raises(UnavailableError, match="predictions/delays"):
        lake.read_columns(T)


def test_a_table_of_a_hundred_versions_keeps_them_all_in_few_files(lake: LocalLake, folder: Path) -> None:
    versions = appended(lake, 110)
    assert versions == sorted(set(versions))
    assert len(DeltaTable(folder).file_uris()) <= 17
    for place in (0, 49, 50, 51, 109):
        assert len(lake.read_columns(T, version=versions[place])["x"]) == place + 1
    between = lake.changed_columns(T, since=versions[40], until=versions[60])
    assert sorted(between["x"]) == [float(number) for number in range(41, 61)]


def test_a_kept_version_that_was_the_newest_outlives_compaction(lake: LocalLake) -> None:
    newest = appended(lake)[-1]
    digest = lake.digest(T)
    lake.maintain(T, keep_seconds=0.0, keep_versions=[newest])
    lake.append(T, rows(9.0))
    lake.maintain(T, keep_seconds=0.0, keep_versions=[newest])
    assert sorted(lake.read_columns(T, version=newest)["x"]) == [0.0, 1.0, 2.0, 3.0]
    assert lake.digest(T, version=newest) == digest


def test_all_that_came_after_a_version_is_kept_however_often_it_was_compacted(lake: LocalLake) -> None:
    first = appended(lake, 3)
    for _ in range(3):
        second = appended(lake, 3)
        lake.maintain(T, keep_seconds=0.0, keep_since=first[1])
    assert len(lake.changed_columns(T, since=first[1], until=second[-1])["x"]) == 10
    assert sorted(lake.changed_columns(T, since=first[1], until=second[0])["x"]) == [
        0.0,
        0.0,
        0.0,
        1.0,
        1.0,
        2.0,
        2.0,
        2.0,
    ]
    assert sorted(lake.read_columns(T, version=first[2])["x"]) == [0.0, 1.0, 2.0]
    lake.maintain(T, keep_seconds=0.0)
    with pytest.raises(NotFoundError, match="expired"):
        lake.changes(T, since=first[1], until=second[-1])


def test_the_log_goes_back_to_the_oldest_version_that_is_kept(lake: LocalLake, folder: Path, tmp_path: Path) -> None:
    idle, log = LocalLake(tmp_path / "lake"), folder / "_delta_log"
    for number in range(70):
        versions = appended(lake, 1)
        lake.append(T, rows(float(number)), transaction=f"t{number}")
        if number == 0:
            assert idle.version(T) == 1
    kept = versions[0] - 4
    for path in log.iterdir():
        os.utime(path, (time.time() - 10 * 86_400,) * 2)
    lake.maintain(T, keep_seconds=86_400.0, keep_versions=[kept])
    first = min(int(path.stem) for path in log.glob("*.json"))
    assert 50 <= first <= kept
    assert len(lake.read_columns(T, version=kept)["x"]) < len(lake.read_columns(T)["x"]) == 140
    for other in (idle, LocalLake(tmp_path / "lake")):
        assert other.version(T) == lake.version(T)
        assert other.append(T, rows(0.0), transaction="t0") == lake.version(T)
        assert len(other.read_columns(T)["x"]) == 140
        assert other.tables() == [T]
        for act in (lambda: other.read(T, version=0), lambda: other.changes(T, since=-1, until=kept)):  # noqa: B023 - called at once
            with pytest.raises(NotFoundError, match="expired"):
                act()


def test_a_log_that_is_younger_than_the_retention_stays(lake: LocalLake, folder: Path) -> None:
    versions = appended(lake, 60)
    lake.maintain(T, keep_seconds=3_600.0)
    assert len(list((folder / "_delta_log").glob("*.json"))) > 60
    assert sorted(lake.read_columns(T, version=versions[0])["x"]) == [0.0]
