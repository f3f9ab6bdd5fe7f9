"""Training in a process of its own that is killed, without warning, at every step."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapters import open_platform
from loopwright import Project
from loopwright.settings import Settings
from pipelines.train import PIPELINE
from tests.pipelines.weather import AT, FOLDER, World

STEPS = [step.name for step in PIPELINE.steps]

DRIVER = """
import json, os, signal, sys
import deltalake, duckdb, onnxruntime  # once, not in every child
from pathlib import Path
from adapters import open_platform
from loopwright.definitions.project import load_project
from loopwright.settings import Settings
from pipelines.train import train

folder, home, at, deaths = sys.argv[1], sys.argv[2], float(sys.argv[3]), json.loads(sys.argv[4])
project = load_project(Path(folder))
told = []

def grave(event):
    told.append(f"{event.step} {event.state}")
    if deaths and told[-1] == deaths[0]:
        # A fresh child inherits what was read so far; the parent waits for it to die, and goes on with the next one.
        os.kill(os.getpid(), signal.SIGKILL)

while True:
    child = os.fork()
    if child == 0:
        platform = open_platform(Settings(provider="local", home=Path(home)))
        outcome = train(platform, project, "rain", reason="a test", at=at, who="tester", progress=grave)
        platform.close()
        print(json.dumps({"version": outcome.version, "promoted": outcome.promoted, "told": told}), flush=True)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        sys.exit(os.waitstatus_to_exitcode(status))
    assert os.WTERMSIG(status) == signal.SIGKILL
    deaths.pop(0)
"""


def drive(home: Path, deaths: list[str]) -> dict[str, object]:
    arguments = [str(FOLDER), str(home), str(AT), json.dumps(deaths)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcome: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return outcome


def world_in(home: Path, project: Project) -> World:
    rain = sys.modules[f"loopwright_project_{FOLDER.name}"]
    return World(open_platform(Settings(provider="local", home=home)), project, rain)


def model_file(world: World) -> bytes:
    return world.platform.blobs.get(f"{world.registry.version('rain', 1).source}/model.onnx").data


@pytest.mark.parametrize("moment", ["started", "finished"])
def test_a_training_killed_at_every_step_goes_on_and_ends_once(tmp_path: Path, world: World, moment: str) -> None:
    world_in(tmp_path, world.project).fill().platform.close()
    outcome = drive(tmp_path, [f"{step} {moment}" for step in STEPS])
    assert world.train().promoted
    unharmed = model_file(world)
    world = world_in(tmp_path, world.project)
    assert model_file(world) == unharmed
    assert outcome["promoted"]
    assert [one.version for one in world.registry.versions("rain")] == [1]
    assert [change.new for change in world.registry.alias_history("rain", "champion")] == [1]
    assert list(world.platform.blobs.list("checkpoints/")) == []
    told = outcome["told"]
    assert isinstance(told, list)
    done_before = STEPS if moment == "finished" else STEPS[:-1]
    assert [one for one in told if one.endswith("restored")] == [f"{step} restored" for step in done_before]
    (run,) = world.tracking.runs(world.tracking.experiment_by_name("rain").id)
    assert run.status == "FINISHED"
    types = [event.type for event in world.platform.events.recent()]
    assert sorted(types) == [
        "loopwright.registry.promoted",
        "loopwright.training.finished",
        "loopwright.training.started",
    ]
