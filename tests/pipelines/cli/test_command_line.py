"""The command line answers at once and tells mistakes in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = Path(sys.executable).with_name("loopwright")


def run(*arguments: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=False, cwd=folder)


def test_building_the_command_line_imports_nothing_heavy() -> None:
    code = (
        "import sys, pipelines.cli.app; print([name for name in ('numpy', 'duckdb', 'plotly') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_command_is_there() -> None:
    told = run("--help").stdout
    commands = (
        "init demo up ui ingest train score materialize monitor reproduce redrive status models runs lineage report"
    )
    for command in [*commands.split(), "doctor", "promote", "rollback", "adopt", "import-mlflow"]:
        assert f" {command} " in told


@pytest.mark.parametrize("command", ["status", "promote 1", "up", "ui"])
def test_a_folder_without_a_project_is_told_in_one_line(tmp_path: Path, command: str) -> None:
    done = run(*command.split(), folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: no project.py")
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_project_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text("import nothing_of_this_name\n")
    done = run("status", folder=tmp_path)
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_doctor_finds_a_broken_project(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text("project = 1\n")
    done = run("doctor", folder=tmp_path)
    assert done.returncode == 1
    assert "1 broken" in done.stdout


def test_an_unknown_option_is_told_as_usual(tmp_path: Path) -> None:
    done = run("status", "--nonsense", folder=tmp_path)
    assert done.returncode == 2
    assert "--nonsense" in done.stderr
