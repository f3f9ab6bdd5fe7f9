"""An adoption from the command line, and as a job."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters import open_platform
from loopwright.settings import Settings
from pipelines.cli.app import app
from pipelines.job import main
from tests.pipelines.adopting import notebook
from tests.pipelines.weather import FOLDER, World


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, world: World) -> World:
    settings = Settings(provider="local", home=tmp_path, project=FOLDER)
    for name, value in settings.to_env().items():
        monkeypatch.setenv(name, value)
    return World(open_platform(settings), world.project, world.rain).fill()


def test_a_job_adopts_a_model(local: World, capsys: pytest.CaptureFixture[str]) -> None:
    number = notebook.log(local, notebook.as_pickle(notebook.fitted()), model="mine", sklearn="1.5.0")
    asked = {"model": "mine", "version": str(number), "as": "rain"}
    assert main(["adopt", "--arguments", json.dumps(asked)]) == 1
    assert "is a pickle" in capsys.readouterr().err
    assert main(["adopt", "--arguments", json.dumps({**asked, "trust_pickle": "true", "who": "tester"})]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[-1].endswith("version 1, promoted")
    assert any("fitted with scikit-learn 1.5.0" in line for line in told)
    assert local.registry.routing("rain").champion == 1


def test_the_command_line_shows_what_the_gate_said(local: World) -> None:
    number = notebook.log(local, notebook.as_skops(notebook.fitted()))
    done = CliRunner().invoke(app, ["adopt", "rain", str(number), "-p", str(FOLDER), "--who", "tester"])
    assert done.exit_code == 0, done.output
    assert "made version 2" in done.stdout
    assert "promoted: it serves now" in done.stdout
    again = CliRunner().invoke(app, ["adopt", "rain", str(number), "-p", str(FOLDER), "--json"])
    assert json.loads(again.stdout)["outcome"]["version"] == 2
