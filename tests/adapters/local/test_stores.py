import os
import time
from pathlib import Path

import pytest

from adapters.local.blobs import LocalBlobs
from adapters.local.table import LocalTable
from loopwright.clock import system_clock
from loopwright.errors import IntegrityError, UnavailableError
from loopwright.ports.table import Key

KEY = Key("p", "s")


def test_drafts_of_writers_that_died_are_swept_when_they_are_old(tmp_path: Path) -> None:
    drafts = tmp_path / "drafts"
    drafts.mkdir()
    fresh, old = drafts / "fresh", drafts / "old"
    for draft in (fresh, old):
        draft.write_bytes(b"half")
    os.utime(old, (time.time() - 7_200,) * 2)
    assert list(LocalBlobs(tmp_path).list()) == []
    assert fresh.exists()
    assert not old.exists()


def test_objects_lie_in_files_of_their_names(tmp_path: Path) -> None:
    LocalBlobs(tmp_path).put("runs/1/model.onnx", b"1")
    assert (tmp_path / "blobs" / "runs~" / "1~" / "model.onnx").read_bytes() == b"1"


def test_a_place_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "home").write_bytes(b"a file where a folder should be")
    with pytest.raises(UnavailableError, match="home"):
        LocalBlobs(tmp_path / "home")
    with pytest.raises(UnavailableError):
        LocalTable(tmp_path / "home" / "table.db", system_clock).get(KEY)


def test_a_damaged_file_is_an_integrity_error(tmp_path: Path) -> None:
    (tmp_path / "table.db").write_bytes(b"this is no database" * 1_000)
    with pytest.raises(IntegrityError, match="table"):
        LocalTable(tmp_path / "table.db", system_clock).get(KEY)


def test_a_file_of_a_newer_release_is_not_touched(tmp_path: Path) -> None:
    table = LocalTable(tmp_path / "table.db", system_clock)
    table.put(KEY, {"a": 1})
    table._database.connection.execute("PRAGMA user_version = 99")
    table.close()
    newer = LocalTable(tmp_path / "table.db", system_clock)
    with pytest.raises(UnavailableError, match="format 99"):
        newer.get(KEY)
    newer.close()


def test_expired_rows_are_cleared_away(tmp_path: Path) -> None:
    now = [1_000.0]
    table = LocalTable(tmp_path / "table.db", lambda: now[0])
    for number in range(50):
        table.put(Key("p", str(number)), {}, expires=1_010.0)
    now[0] = 2_000.0
    table.put(Key("p", "last"), {}, expires=3_000.0)
    (count,) = table._database.connection.execute("SELECT count(*) FROM items").fetchone()
    assert count == 1
    table.close()
