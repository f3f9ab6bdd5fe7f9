"""`loopwright redrive`: dead messages are shown, and brought back."""

import json
import os
import subprocess
import sys
from pathlib import Path

from adapters import open_platform
from loopwright.ports.queues import Depth
from loopwright.settings import Settings

COMMAND = Path(sys.executable).with_name("loopwright")


PROJECT = Path(__file__).parents[2] / "airport"


def dead_letters(home: Path, **counts: int) -> None:
    """Leave so many dead messages in each queue."""
    platform = open_platform(Settings("local", home, PROJECT))
    for queue, count in counts.items():
        platform.queue.send(queue, [b"poison"] * count)
        for _ in range(5):
            taken = platform.queue.receive(queue, limit=100)
            platform.queue.release(queue, [message.receipt for message in taken])
    platform.close()


def depths(home: Path) -> dict[str, Depth]:
    platform = open_platform(Settings("local", home, PROJECT))
    found = {queue: platform.queue.depth(queue) for queue in ("predictions", "labels", "features", "triggers")}
    platform.close()
    return found


def redrive(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "LOOPWRIGHT_HOME": str(home), "LOOPWRIGHT_PROJECT": str(PROJECT)}
    command = [COMMAND, "redrive", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_redriving_tells_of_every_queue_and_brings_its_dead_messages_back(tmp_path: Path) -> None:
    dead_letters(tmp_path, predictions=3, triggers=1)
    done = redrive(tmp_path)
    assert done.returncode == 0, done.stderr
    told = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()[1:]}
    assert told == {"predictions": ["3", "3"], "labels": ["0", "0"], "features": ["0", "0"], "triggers": ["1", "1"]}
    assert {queue: (depth.ready, depth.dead) for queue, depth in depths(tmp_path).items()} == {
        "predictions": (3, 0),
        "labels": (0, 0),
        "features": (0, 0),
        "triggers": (1, 0),
    }


def test_redriving_one_queue_leaves_the_others_alone(tmp_path: Path) -> None:
    dead_letters(tmp_path, predictions=2, labels=1)
    done = redrive(tmp_path, "labels", "--json")
    assert json.loads(done.stdout) == [{"queue": "labels", "dead": 1, "redriven": 1}]
    assert depths(tmp_path)["predictions"].dead == 2


def test_redriving_a_queue_that_is_none_of_ours_names_those_that_are(tmp_path: Path) -> None:
    done = redrive(tmp_path, "invoices")
    assert done.returncode == 1
    assert "there is no queue 'invoices': name one of predictions, labels, features, triggers" in done.stderr
