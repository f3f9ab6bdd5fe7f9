"""What a run's code is, and what is no part of it."""

from pathlib import Path

import pytest

from pipelines.training.provenance import code_of

ACCESS = '''"""Who may see it."""

from loopwright.definitions import Access, Grant

TEAM = ("ann@example.com", "bob@example.com")
ACCESS = Access(default="read", experiments=(Grant("delays", write=(*TEAM, "eve"), others="none"),))
'''


def project(folder: Path, **files: str) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def test_who_may_see_a_model_is_no_part_of_its_code(tmp_path: Path) -> None:
    without = code_of(project(tmp_path / "a", project="x = 1\n"))
    assert code_of(project(tmp_path / "b", project="x = 1\n", access=ACCESS)) == without
    assert code_of(project(tmp_path / "c", project="x = 1\n", access=ACCESS.replace("eve", "dan"))) == without
    assert code_of(project(tmp_path / "d", project="x = 2\n")) != without


@pytest.mark.parametrize(
    "more",
    [
        "RATE = 0.1\n",
        "NAMES = 'a' + 'b'\n",
        "RATE = rate()\n",
        "import numpy\n",
        "from loopwright.definitions import Gate\n",
        "def features(rows): return rows\n",
        "ACCESS = Access(admins=names())\n",
        "RATE = {'a': 1}\n",
    ],
)
def test_what_else_is_in_that_file_is(tmp_path: Path, more: str) -> None:
    without = code_of(project(tmp_path / "a", project="x = 1\n"))
    assert code_of(project(tmp_path / "b", project="x = 1\n", access=ACCESS + more)) != without
