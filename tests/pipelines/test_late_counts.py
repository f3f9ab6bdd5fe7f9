"""Where a provider counts messages late, whoever shows the counts says so, and nobody decides by them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapters import open_platform
from functions.worker.duties import HEARTBEAT
from functions.worker.loop import Worker
from pipelines.cli import status_view
from pipelines.doctor import examine_state
from pipelines.glance import glance
from tests.airport.faults import CountsLate
from tests.contracts.worlds import WORLDS
from tests.pipelines.weather import World

COMMAND = Path(sys.executable).with_name("loopwright")
PROJECT = Path(__file__).parents[1] / "airport"


@pytest.fixture
def late(world: World) -> CountsLate:
    world.platform.queue.send("labels", [b"1", b"2"])
    return CountsLate(world.platform)


def test_the_doctor_says_how_old_the_counts_are(world: World, late: CountsLate) -> None:
    found = {finding.what: finding.told for finding in examine_state(late, world.project)}
    assert found["queue labels"] == "2 ready or in hand, 0 dead, as of some minutes ago"


def test_the_glance_says_how_old_the_counts_are(
    world: World, late: CountsLate, capsys: pytest.CaptureFixture[str]
) -> None:
    status_view.show(glance(late, world.project), recorded=False, worker=False)
    status_view.show(glance(world.platform, world.project), recorded=False, worker=False)
    first, second = (line for line in capsys.readouterr().out.splitlines() if line.startswith("queues"))
    assert "labels 2" in first
    assert first == f"{second} (as of some minutes ago)"


def test_a_worker_does_not_say_that_all_is_done_where_it_cannot_know(world: World, late: CountsLate) -> None:
    worker = Worker(late, world.project, refresh=lambda: None)
    worker.sweep_if_due()
    assert world.platform.table.get(HEARTBEAT) is None


def test_redriving_tells_what_it_found_and_no_old_count() -> None:
    with WORLDS["google"]() as settings:
        platform = open_platform(settings)
        platform.queue.send("labels", [b"poison"])
        for _ in range(5):
            platform.queue.release("labels", [one.receipt for one in platform.queue.receive("labels")])
        environment = {**os.environ, **settings.to_env(), "LOOPWRIGHT_PROJECT": str(PROJECT)}
        said = [
            subprocess.run(
                [COMMAND, "redrive", "labels", *more], check=True, capture_output=True, text=True, env=environment
            )
            for more in (["--json"], [])
        ]
        assert json.loads(said[0].stdout) == [{"queue": "labels", "dead": None, "redriven": 1}]
        assert said[1].stdout.splitlines()[1].split() == ["labels", "?", "0"]
        assert [one.body for one in platform.queue.receive("labels")] == [b"poison"]
        platform.close()
