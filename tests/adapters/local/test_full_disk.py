"""A disk that fills: every store says so, keeps what it had, and works again when there is room."""

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from adapters import open_platform
from loopwright.columns import Columns
from loopwright.errors import UnavailableError
from loopwright.ports import Platform
from loopwright.ports.queues import Depth
from loopwright.ports.table import Key, Put
from loopwright.settings import Settings

ROOT = Path(__file__).parents[3]
LIMIT = 200_000
KEYS = [Key("p", "a"), Key("p", "b")]


def columns(rows: int) -> Columns:
    return {"x": np.random.default_rng(1).random(rows)}


def fill(platform: Platform, act: str) -> None:
    match act:
        case "put":
            platform.blobs.put("a", b"x" * 2 * LIMIT)
        case "transact":
            platform.table.transact([Put(key, {"data": bytes(LIMIT)}) for key in KEYS])
        case "put_many":
            platform.table.put_many([Put(key, {"data": bytes(LIMIT)}) for key in KEYS])
        case "send":
            platform.queue.send("q", [bytes(LIMIT)] * 2)
        case "append":
            platform.lake.append("t", columns(200_000))
        case "append_new":
            platform.lake.append("new", columns(200_000))
        case "flush":
            for number in range(5_000):
                platform.telemetry.count(f"requests {number}", label="x" * 100)
            platform.telemetry.flush()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings("local", tmp_path / "home", tmp_path)
    platform = open_platform(settings)
    platform.blobs.put("a", b"old")
    platform.table.transact([Put(key, {"old": True}) for key in KEYS])
    platform.queue.send("q", [b"old"])
    platform.lake.append("t", columns(5))
    platform.telemetry.count("old")
    platform.close()
    return settings


@pytest.mark.parametrize("act", ["put", "transact", "put_many", "send", "append", "append_new", "flush"])
def test_a_full_disk_loses_nothing(settings: Settings, act: str) -> None:
    environment = {"PYTHONPATH": str(ROOT)}
    run = subprocess.run([sys.executable, __file__, act, str(settings.home)], env=environment, check=False)
    assert run.returncode == 0
    platform = open_platform(settings)
    assert platform.blobs.get("a").data == b"old"
    assert [info.key for info in platform.blobs.list()] == ["a"]
    assert not list((settings.home / "drafts").iterdir())
    assert [item and item.value for item in platform.table.get_many(KEYS)] == [{"old": True}] * 2
    assert platform.queue.depth("q") == Depth(1, 0, 0)
    assert len(platform.lake.read_columns("t")["x"]) == 5
    assert platform.lake.version("new") is None
    assert [series.name for series in platform.telemetry.read()] == ["old"]
    fill(platform, act)
    platform.close()


def main(act: str, home: str) -> None:
    """Do the act where no file may grow over the limit, which is what a full disk looks like from here."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT))
    platform = open_platform(Settings("local", Path(home), Path(home)))
    for _ in range(2):
        with pytest.raises(UnavailableError):
            fill(platform, act)
    # What was gathered is not lost, and would be written now if there were room.
    if act != "flush":
        platform.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
