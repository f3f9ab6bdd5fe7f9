"""What a notebook logs with MLflow itself, by autolog and as skops, is registered here, adopted and served."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from adapters import open_platform
from loopwright.clock import ReplayClock
from loopwright.definitions.project import load_project
from loopwright.errors import InvalidInputError
from loopwright.models import load_scorer
from loopwright.settings import Settings
from pipelines.adopt import Wish, adopt
from tests.mlflow.ours import served
from tests.mlflow.stock import python_of_stock, stock_environment
from tests.pipelines.weather import AT, FOLDER, World

NOTEBOOK = Path(__file__).with_name("notebook.py")


@pytest.fixture
def world(tmp_path: Path) -> World:
    clock = tmp_path / "clock"
    ReplayClock(clock).set(AT)
    project = load_project(FOLDER)
    rain = sys.modules[f"loopwright_project_{FOLDER.name}"]
    return World(open_platform(Settings(provider="memory", clock_file=clock)), project, rain).fill()


def test_a_notebooks_models_are_adopted_and_serve(world: World, tmp_path: Path) -> None:
    with served(world.platform, world.project) as url:
        done = subprocess.run(
            [python_of_stock(), NOTEBOOK, url],
            env=stock_environment(tmp_path),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3_000:]
    autologged, as_skops = (adopted(world, 1, trust=True), adopted(world, 2))
    assert (autologged, as_skops) == (3, 4)
    assert world.registry.routing("rain").champion in {3, 4}
    rows = {
        "wetness": np.array([0.95, 0.25]),
        "hectopascal": np.full(2, 1013.0),
        "sky": np.array(["overcast", "clear"], dtype=object),
    }
    scores = []
    for number in (3, 4):
        version = world.registry.version("rain", number)
        assert version.tags["runtime"] == "onnx"
        scores.append(load_scorer(world.platform.blobs, version.source, version.digest).score(rows).score)
    # Both were fitted to the same rows.
    assert np.allclose(*scores, atol=1e-6)
    assert scores[0][0] > 0.8
    assert scores[0][1] < 0.4


def adopted(world: World, number: int, *, trust: bool = False) -> int | None:
    if trust:
        with pytest.raises(InvalidInputError, match="is a pickle"):
            adopted(world, number)
    wish = Wish("rain", number, trust_pickle=trust)
    return adopt(world.platform, world.project, wish, reason="a test", at=AT, who="tester").outcome.version
