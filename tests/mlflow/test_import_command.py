"""`loopwright import-mlflow`, from a server that is a tracking function of ours."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from adapters import open_platform
from loopwright.ports import Platform
from loopwright.settings import Settings
from loopwright.tracking import Metric, Tracking
from pipelines.cli.app import app
from tests.mlflow.ours import served


@pytest.fixture
def there() -> Iterator[Platform]:
    opened = open_platform(Settings(provider="memory"))
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project.py").write_text("from loopwright import Project\nproject = Project('notebooks', ())\n")
    return tmp_path


def test_it_says_how_much_there_is_there_and_here(there: Platform, folder: Path) -> None:
    tracking = Tracking(there.table, there.blobs, clock=there.clock, new_id=there.new_id)
    run = tracking.create_run(tracking.create_experiment("penguins").id, name="first", started=1.0)
    tracking.log_batch(run.id, metrics=[Metric("loss", 0.5, 1.0, step) for step in range(7)], params={"c": "1"})
    tracking.put_artifact(run.id, "deep/file.txt", b"text")
    tracking.update_run(run.id, status="FINISHED", ended=2.5)
    with served(there) as url:
        asked = ["import-mlflow", url, "-p", str(folder), "--who", "tester"]
        first = CliRunner().invoke(app, asked)
        again = CliRunner().invoke(app, [*asked, "--json"])
    assert first.exit_code == 0, first.output
    told = " ".join(first.stdout.split())
    assert "runs 1 1" in told
    assert "with 7 points, 1 params" in told
    assert "1 files of 4 bytes" in told
    assert "all of it is here" in told
    report = json.loads(again.stdout)
    assert (report["unchanged"], report["here"]["points"]) == (1, 7)
    here = open_platform(Settings(provider="local", home=folder / ".loopwright"))
    try:
        kept = Tracking(here.table, here.blobs, clock=here.clock, new_id=here.new_id)
        assert kept.run(run.id) == tracking.run(run.id)
        assert kept.artifact(run.id, "deep/file.txt") == b"text"
    finally:
        here.close()


def test_what_cannot_be_brought_is_named_and_the_command_fails(there: Platform, folder: Path) -> None:
    tracking = Tracking(there.table, there.blobs, clock=there.clock, new_id=there.new_id)
    run = tracking.create_run(tracking.create_experiment("penguins").id, name="first")
    here = open_platform(Settings(provider="local", home=folder / ".loopwright"))
    ours = Tracking(here.table, here.blobs, clock=here.clock, new_id=here.new_id)
    # Somebody else's run has that identity here.
    ours.create_run(ours.create_experiment("others").id, name="mine", run_id=run.id)
    here.close()
    with served(there) as url:
        done = CliRunner().invoke(app, ["import-mlflow", url, "-p", str(folder)])
    assert done.exit_code == 1
    assert f"run {run.id}: run {run.id} belongs to experiment" in done.stdout
    assert "not all of it is here" in done.stdout
