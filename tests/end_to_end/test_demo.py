"""The demonstration on its first days: the same code and the same data as `make demo`, in a folder of its own."""

import io
import json
import re
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from adapters import open_platform
from loopwright.definitions.project import load_project
from loopwright.errors import InvalidInputError
from loopwright.monitoring import Monitor
from loopwright.ports.lake import Selection
from loopwright.settings import Settings
from pipelines.demo.demonstration import demonstrate
from pipelines.glance import glance

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"
DAYS = 9


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("demonstration") / "flights"
    shutil.copytree(FLIGHTS, place, ignore=shutil.ignore_patterns(".loopwright", "__pycache__"))
    demonstrate(place, None, console=Console(file=io.StringIO()), days=DAYS)
    return place


def test_every_case_is_answered_and_every_landing_is_told(folder: Path) -> None:
    platform = open_platform(Settings(home=folder / ".loopwright", project=folder))
    predictions = platform.lake.read_columns("predictions/delays", Selection(("prediction_id", "arm")))
    labels = platform.lake.read_columns("labels/delays", Selection(("prediction_id",)))
    platform.close()
    asked = set(predictions["prediction_id"].tolist())
    assert len(asked) > DAYS * 700
    assert len(predictions["arm"]) == 2 * len(asked)
    told = set(labels["prediction_id"].tolist())
    assert told <= asked
    assert len(told) > 0.85 * len(asked)


def test_no_feature_is_served_from_the_future(folder: Path) -> None:
    platform = open_platform(Settings(home=folder / ".loopwright", project=folder))
    ages = platform.lake.read_columns("predictions/delays", Selection(("weather__age",)))["weather__age"]
    platform.close()
    known = ages[ages == ages]  # noqa: PLR0124 - NaN where nothing was found
    assert len(known) > 0.95 * len(ages)
    assert known.min() >= 3600


def test_the_loop_can_be_looked_at_afterwards(folder: Path) -> None:
    project = load_project(folder)
    platform = open_platform(
        Settings(home=folder / ".loopwright", project=folder, clock_file=folder / ".loopwright/clock")
    )
    seen = glance(platform, project)
    windows = Monitor(platform, project).history("delays").windows()
    platform.close()
    assert seen.models[0].routing.champion == 1
    assert all(depth.ready == depth.in_flight == depth.dead == 0 for depth in seen.queues.values())
    assert seen.heartbeat is not None
    assert {window.arm for window in windows} == {"champion", "shadow"}
    assert windows[0].performance is not None
    assert windows[0].performance.value is not None
    assert 0.5 < windows[0].performance.value < 0.9


def test_the_report_is_one_file_that_needs_no_network(folder: Path) -> None:
    text = (folder / ".loopwright" / "report.html").read_text("utf-8")
    assert len(text) < 6_000_000
    assert not re.search(r"""<(script|link|img)[^>]+(src|href)=["']?http""", text)
    assert "From 1 March 2013 to" in text


def test_a_state_that_no_demonstration_made_is_not_thrown_away(tmp_path: Path) -> None:
    shutil.copytree(FLIGHTS, tmp_path / "flights", ignore=shutil.ignore_patterns(".loopwright", "__pycache__"))
    mine = tmp_path / "flights" / ".loopwright" / "precious.json"
    mine.parent.mkdir()
    mine.write_text(json.dumps("mine"))
    with pytest.raises(InvalidInputError, match="no demonstration made"):
        demonstrate(tmp_path / "flights", None, console=Console(file=io.StringIO()))
    assert mine.is_file()
