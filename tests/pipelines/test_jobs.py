from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters import open_platform
from loopwright import Project
from loopwright.settings import Settings
from pipelines.job import main
from tests.pipelines.weather import FOLDER, World


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World) -> Path:
    place: Mapping[str, str] = Settings(provider="local", home=tmp_path, project=FOLDER).to_env()
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    local = World(open_platform(Settings(provider="local", home=tmp_path)), world.project, world.rain).fill()
    local.platform.close()
    return tmp_path


def test_materializing_brings_every_view_online(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["materialize", "--arguments", '{"at": "2013-03-01T00:00:00Z"}']) == 0
    assert "2 rows written for 1 views" in capsys.readouterr().out


def test_monitoring_a_model_without_predictions_is_no_error(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "--arguments", '{"model": "rain"}']) == 0
    assert "monitored rain" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('{"model": "rain"}', "the job wants the argument 'table'; it got model"),
        ('{"model": "rain", "table": "t", "name": "n", "at": "noon"}', "'at' is no RFC 3339 time: 'noon'"),
        ('{"model": "rain", "table": "t", "name": "n"}', "the lake has no table 't' to score"),
    ],
)
def test_what_is_wrong_with_a_job_is_told_on_its_last_line(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: str, message: str
) -> None:
    assert main(["score", "--arguments", arguments]) == 1
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_parameters_of_a_training_are_scalars(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--arguments", '{"model": "rain", "parameters": "[1]"}']) == 1
    assert "no JSON object of scalars" in capsys.readouterr().err


def test_an_unknown_model_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--arguments", '{"model": "snow"}']) == 1
    assert capsys.readouterr().err == "NotFoundError: project 'weather' has no model 'snow': it has rain\n"


@pytest.mark.parametrize("given", [["dance"], ["train", "--arguments", "{"], ["train", "--arguments", "[1]"]])
def test_an_unknown_job_or_broken_arguments_are_refused(home: Path, given: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(given)


def test_a_corrupt_table_fails_the_job_with_every_problem(
    home: Path, capsys: pytest.CaptureFixture[str], project: Project, world: World
) -> None:
    rows = world.rain.past_cases(2)
    rows["station"][:] = ""
    platform = open_platform(Settings(provider="local", home=home))
    platform.lake.append("observations", rows)
    platform.close()
    assert main(["train", "--arguments", '{"model": "rain", "at": "2013-03-01T00:00:00Z"}']) == 1
    assert "  - column 'station' is null in 20 of" in capsys.readouterr().err
