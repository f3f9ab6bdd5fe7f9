import dataclasses
import marshal
import os
import shutil
import sys
import zipfile
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

from infra.packages import build_package
from infra.packages.build import KEPT
from infra.packages.requirements import find_uv, install, locked_requirements
from infra.packages.sources import ROOT
from infra.packages.trim import trim
from loopwright.errors import DefinitionError, InvalidInputError, NotFoundError, UnavailableError
from tests.infra.packages.conftest import HERE, PROJECT, SMALL

UNCHECKED = 1
NO_LIBRARY = dataclasses.replace(SMALL, left_out=(*SMALL.left_out, "msgspec", "typing-extensions"))
"""Nothing has to be there for a Python that there is not."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "project.py").write_text("project = None\n")
    (folder / "rows.csv").write_text("1,2\n")
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("small")
    return build_package("serve", project=PROJECT, python_version=HERE, cache=cache, recipe=SMALL).path


def test_another_folder_and_another_time_give_the_same_bytes(small: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(PROJECT, tmp_path / "elsewhere", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    for path in copy.rglob("*"):
        path.touch()
    again = build_package("serve", project=copy, python_version=HERE, cache=tmp_path / "cache", recipe=SMALL)
    assert again.path != small
    assert again.path.read_bytes() == small.read_bytes()


def test_nothing_is_built_twice(small: Path) -> None:
    before = small.stat()
    again = build_package("serve", project=PROJECT, python_version=HERE, cache=small.parent, recipe=SMALL)
    assert again.path == small
    assert small.stat() == before


def test_another_line_of_the_project_is_another_package(project: Path, tmp_path: Path) -> None:
    first = build_package("serve", project=project, python_version="3.99", cache=tmp_path, recipe=NO_LIBRARY)
    (project / "project.py").write_text("project = 1\n")
    second = build_package("serve", project=project, python_version="3.99", cache=tmp_path, recipe=NO_LIBRARY)
    assert first.path != second.path
    assert first.digest != second.digest


def test_entries_are_sorted_and_have_no_times_or_modes_of_this_machine(small: Path) -> None:
    with zipfile.ZipFile(small) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {(entry.date_time, entry.create_system, entry.external_attr) for entry in entries} == {
        ((1980, 1, 1, 0, 0, 0), 3, 0o100644 << 16)
    }


def test_the_project_comes_with_its_modules_and_without_its_data(project: Path, tmp_path: Path) -> None:
    (project / ".venv").mkdir()
    (project / ".venv" / "other.py").write_text("")
    built = build_package("serve", project=project, python_version="3.99", cache=tmp_path, recipe=NO_LIBRARY)
    with zipfile.ZipFile(built.path) as archive:
        names = archive.namelist()
    assert [name for name in names if name.startswith("project")] == ["project/project.py"]
    assert {name.partition("/")[0] for name in names} == {"adapters", "functions", "loopwright", "project"}
    assert not [name for name in names if name.startswith(("adapters/local", "adapters/memory", "functions/worker"))]


def test_bytecode_is_taken_as_it_is_and_knows_where_it_will_be(small: Path) -> None:
    with zipfile.ZipFile(small) as archive:
        compiled = {name: archive.read(name) for name in archive.namelist() if name.endswith(".pyc")}
        modules = [name for name in archive.namelist() if name.endswith(".py")]
    assert len(compiled) == len(modules)
    for data in compiled.values():
        assert data[:4] == MAGIC_NUMBER
        assert int.from_bytes(data[4:8], "little") == UNCHECKED
    tag = sys.implementation.cache_tag
    code = marshal.loads(compiled[f"functions/predict/__pycache__/main.{tag}.pyc"][16:])  # noqa: S302 - just compiled
    assert code.co_filename == "/var/task/functions/predict/main.py"


def test_bytecode_of_another_python_is_never_in_it(project: Path, tmp_path: Path) -> None:
    built = build_package("serve", project=project, python_version="3.99", cache=tmp_path, recipe=NO_LIBRARY)
    assert not built.compiled
    with zipfile.ZipFile(built.path) as archive:
        assert not [name for name in archive.namelist() if "__pycache__" in name]


def test_over_its_budget_a_package_is_refused_with_its_largest_parts(small: Path) -> None:
    tight = dataclasses.replace(SMALL, budget=1_000)
    with pytest.raises(InvalidInputError, match=r"unzipped, over 0\.0") as refused:
        build_package("serve", project=PROJECT, python_version=HERE, cache=small.parent, recipe=tight)
    sizes = [float(problem.split()[0]) for problem in refused.value.problems]
    assert sizes == sorted(sizes, reverse=True)
    assert {"adapters", "loopwright"} <= {problem.split()[-1] for problem in refused.value.problems[:4]}
    assert all(problem in str(refused.value) for problem in refused.value.problems)


def test_a_forbidden_library_is_refused_by_name(small: Path) -> None:
    strict = dataclasses.replace(SMALL, forbidden=("msgspec", "typing_extensions", "pandas"))
    with pytest.raises(DefinitionError, match=r"msgspec, typing_extensions, which it must not have"):
        build_package("serve", project=PROJECT, python_version=HERE, cache=small.parent, recipe=strict)


def test_a_library_without_a_wheel_for_the_target_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"^msgspec has no wheel for Python 3\.99 on aarch64-manylinux"):
        build_package(
            "serve", project=PROJECT, python_version="3.99", architecture="arm64", cache=tmp_path, recipe=SMALL
        )
    assert not list(tmp_path.iterdir())


def test_a_library_that_is_not_what_was_locked_is_not_installed(tmp_path: Path) -> None:
    other = f"mangum==0.22.0 --hash=sha256:{'0' * 64}\n"
    with pytest.raises(UnavailableError, match="mangum"):
        install(other, tmp_path / "target", python_version=HERE, architecture="x86_64", root=ROOT)


def test_without_uv_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("UV", raising=False)
    with pytest.raises(NotFoundError, match="make setup"):
        find_uv(tmp_path)


def test_what_uv_runs_finds_it_without_a_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("UV", "/opt/uv")
    assert find_uv(tmp_path) == "/opt/uv"


def test_a_lock_file_that_does_not_fit_is_not_built_from(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UV", find_uv(ROOT))
    table = '[project]\nname = "small"\nversion = "1"\nrequires-python = ">=3.11"\n'
    (tmp_path / "pyproject.toml").write_text(f"{table}dependencies = ['mangum']\noptional-dependencies.serve = []\n")
    own = '[[package]]\nname = "small"\nversion = "1"\nsource = { virtual = "." }\n'
    (tmp_path / "uv.lock").write_text(f'version = 1\nrevision = 3\nrequires-python = ">=3.11"\n\n{own}')
    with pytest.raises(DefinitionError, match=r"run `uv lock`: .*needs to be updated"):
        locked_requirements(SMALL, tmp_path)


def test_without_a_project_nothing_is_built(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no project\.py"):
        build_package("serve", project=tmp_path, python_version=HERE, cache=tmp_path, recipe=NO_LIBRARY)


@pytest.mark.parametrize(("words", "left"), [(b"all linked in", 0), (b"needs libonnxruntime.so.1", 1)])
def test_a_library_is_left_out_only_if_the_module_does_not_load_it(tmp_path: Path, words: bytes, left: int) -> None:
    capi = tmp_path / "onnxruntime" / "capi"
    capi.mkdir(parents=True)
    (capi / "onnxruntime_pybind11_state.cpython-313-x86_64-linux-gnu.so").write_bytes(words)
    (capi / "libonnxruntime.so.1.32.0").write_bytes(b"")
    trim(tmp_path)
    assert len(list(capi.glob("libonnxruntime.so*"))) == left


def test_the_cache_keeps_the_newest_packages_of_a_kind(project: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    old = [cache / f"serve-{number}.zip" for number in range(KEPT)]
    other = cache / "lake-0.zip"
    for age, path in enumerate([*reversed(old), other], 1):
        path.touch()
        os.utime(path, (1_000 - age, 1_000 - age))
    built = build_package("serve", project=project, python_version="3.99", cache=cache, recipe=NO_LIBRARY)
    assert set(cache.iterdir()) == {built.path, other, *old[1:]}
