"""A process that is killed in the middle of a write leaves the old state or the new one, never a part of it."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from adapters import open_platform
from loopwright.columns import Columns
from loopwright.ports import Platform
from loopwright.ports.blobs import ABSENT
from loopwright.ports.table import Add, Key, Put
from loopwright.settings import Settings

ROOT = Path(__file__).parents[2]
PAIR = [Key("pair", "left"), Key("pair", "right"), Key("other", "third")]
ROUNDS = 3


@pytest.fixture
def shared(durable: Platform, settings: Settings) -> Settings:
    """Where another process writes, until it is killed."""
    return settings


def kill_while_it_writes(settings: Settings, act: str, *, seed: int) -> None:
    """Let a process do the act over and over, and kill it at some moment."""
    chance = random.Random(seed)  # noqa: S311 - it only chooses a moment
    environment = {**os.environ, **settings.to_env(), "PYTHONPATH": str(ROOT)}
    writer = subprocess.Popen([sys.executable, __file__, act], stdout=subprocess.PIPE, env=environment)
    assert writer.stdout
    with writer.stdout:
        assert writer.stdout.readline() == b"writing\n"
        time.sleep(chance.uniform(0.0, 0.15))
        writer.kill()
        writer.wait()


def test_a_transaction_is_whole(shared: Settings) -> None:
    for seed in range(ROUNDS):
        kill_while_it_writes(shared, "transact", seed=seed)
        platform = open_platform(shared)
        found = platform.table.get_many(PAIR)
        assert len({item and item.value["n"] for item in found}) == 1
        platform.table.transact([Put(key, {"n": -1}) for key in PAIR])
        platform.close()


def test_messages_that_were_sent_together_are_there_together(shared: Settings) -> None:
    for seed in range(ROUNDS):
        kill_while_it_writes(shared, "send", seed=seed)
        platform = open_platform(shared)
        got = platform.queue.receive("q", limit=1_000_000)
        counts: dict[bytes, int] = {}
        for message in got:
            counts[message.body[:20]] = counts.get(message.body[:20], 0) + 1
        assert set(counts.values()) <= {5}
        platform.queue.ack("q", [message.receipt for message in got])
        assert platform.queue.receive("q") == []
        platform.close()


def test_an_append_is_whole(shared: Settings) -> None:
    rows = 0
    for seed in range(ROUNDS):
        kill_while_it_writes(shared, "append", seed=seed)
        platform = open_platform(shared)
        found = platform.lake.read_columns("t")
        version = platform.lake.version("t")
        assert version is not None
        assert len(found["x"]) % 1_000 == 0
        assert len(found["x"]) >= rows
        assert not (np.unique(found["x"], return_counts=True)[1] % 1_000).any()
        assert len(platform.lake.changed_columns("t", since=-1, until=version)["x"]) == len(found["x"])
        platform.lake.append("t", batch(-1.0))
        platform.lake.maintain("t", keep_seconds=3_600.0)
        rows = len(platform.lake.read_columns("t")["x"])
        assert rows == len(found["x"]) + 1_000
        platform.close()


def test_an_object_is_whole(shared: Settings) -> None:
    for seed in range(ROUNDS):
        kill_while_it_writes(shared, "put", seed=seed)
        platform = open_platform(shared)
        for info in platform.blobs.list():
            data = platform.blobs.get(info.key).data
            assert len(data) == 500_000
            assert len(set(data)) == 1
        platform.blobs.put("a/b", bytes(500_000))
        platform.blobs.put(f"new/{seed}", bytes(500_000), expect=ABSENT)
        platform.close()


def batch(number: float) -> Columns:
    return {"x": np.full(1_000, number), "s": np.array([f"text {number}"] * 1_000, dtype=object)}


def write_for_ever(act: str, platform: Platform) -> None:
    """Never return: whoever started this kills it."""
    number = 0
    while True:
        number += 1
        match act:
            case "transact":
                platform.table.transact([*(Put(key, {"n": number}) for key in PAIR), Add(Key("a", "b"), {"n": 1})])
            case "send":
                name = f"{platform.new_id()}"[-20:].encode()
                platform.queue.send("q", [name + bytes(2_000)] * 5)
            case "append":
                platform.lake.append("t", batch(float(number)), transaction=platform.new_id())
            case "put":
                platform.blobs.put("a/b", bytes([number % 256]) * 500_000)
        if number == 1:
            sys.stdout.write("writing\n")
            sys.stdout.flush()


if __name__ == "__main__":
    write_for_ever(sys.argv[1], open_platform(Settings.from_env(os.environ)))
