"""A project is a folder with one Python file; what is wrong with it is said in one line."""

from pathlib import Path

import pytest

from loopwright.definitions.project import load_project
from loopwright.errors import DefinitionError, NotFoundError

PROJECT = """
import neighbour
from loopwright import Entity, Field, Gate, Label, Model, Project

project = Project("airline", (
    Model(name="delays", task="binary", entity=Entity("flight", (Field("flight_id", "string"),)), label=Label("late"),
          observations="flights", request=(Field("distance"),), features=("distance",), train=neighbour.train,
          gate=Gate("roc_auc")),
))
"""


def test_a_project_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "project.py").write_text(PROJECT)
    (tmp_path / "neighbour.py").write_text("def train(frame, target, context):\n    return None\n")
    assert load_project(tmp_path).model("delays").observations == "flights"


def test_a_folder_without_a_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no project\.py in .*: name a project's folder, or make one"):
        load_project(tmp_path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\n", "defines no `project = Project"),
        ("import nothing_of_that_name\n", "fails with ModuleNotFoundError"),
        ("def broken(:\n", "fails with SyntaxError"),
        ("from loopwright import Field\nField('Bad')\n", "field 'Bad'"),
    ],
)
def test_a_broken_project_says_what_is_broken(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "project.py").write_text(source)
    with pytest.raises(DefinitionError, match=message):
        load_project(tmp_path)
