"""The images without Docker: their archive is laid out, and their own command runs in their own environment."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from adapters.aws.provider import AwsPlatform
from adapters.jobs.items import JobItem, JobItems
from infra.packages import build_image_context
from loopwright.settings import Settings
from tests.clouds.aws import moto, throwaway
from tests.clouds.lambda_runtime import started
from tests.infra.packages.conftest import PROJECT, unzip
from tests.infra.packages.dockerfile import Instruction, base, command, copied, environment, final_image, instructions


@dataclass(frozen=True, slots=True)
class Image:
    """The archive laid out as the image has it."""

    folder: Path
    variables: dict[str, str]
    command: list[str]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_image_context(project=PROJECT, cache=tmp_path_factory.mktemp("cache")).path


@pytest.fixture(scope="module")
def context(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unzip(archive, tmp_path_factory.mktemp("context"))


@pytest.fixture(scope="module")
def dockerfile(context: Path) -> list[Instruction]:
    return instructions(context / "Dockerfile")


@pytest.fixture(params=["aws", "gcp"])
def of_a_cloud(request: pytest.FixtureRequest, tmp_path: Path) -> list[Instruction]:
    """The Dockerfile of each cloud's archive."""
    built = build_image_context(project=PROJECT, cloud=request.param, cache=tmp_path / "cache")
    return instructions(unzip(built.path, tmp_path / "of_a_cloud") / "Dockerfile")


@pytest.fixture
def image(context: Path, dockerfile: list[Instruction], tmp_path: Path) -> Image:
    return laid_out(context, dockerfile, tmp_path)


def laid_out(context: Path, dockerfile: list[Instruction], tmp_path: Path) -> Image:
    stage = final_image(dockerfile)
    folder = tmp_path / "image"
    for name in copied(stage):
        shutil.copytree(context / name, folder / name)
    home = tmp_path / "home"
    home.mkdir()
    variables = environment(stage, {"/opt/loopwright": folder, "/opt/venv": Path(sys.prefix), "/tmp": home})  # noqa: S108
    return Image(folder, variables, command(stage))


@pytest.fixture
def settings(image: Image) -> Iterator[Settings]:
    with throwaway(moto(), ()) as place:
        yield Settings("aws", image.folder, image.folder / "project", place=place.to_env())


def ask_for(settings: Settings, *, model: str) -> None:
    with closing(AwsPlatform(settings)) as platform:
        item = JobItem("k", "monitor", {"model": model}, "a", "lambda", "", 1, 60.0, "requested", time.time(), 4e9)
        assert JobItems(platform.table).create(item)


def state_of(settings: Settings) -> tuple[str, str]:
    with closing(AwsPlatform(settings)) as platform:
        found = JobItems(platform.table).get("k")
        assert found is not None
        return found.item.state, found.item.detail


def deployed(image: Image, settings: Settings) -> dict[str, str]:
    """Return the variables of a deployed image: its own, the stack's, and the credentials of its role."""
    role = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    return {**settings.to_env(), **role, **image.variables}


def test_all_that_is_copied_is_in_the_archive(context: Path, dockerfile: list[Instruction]) -> None:
    names = list(copied(dockerfile))
    assert {"uv.lock", "pyproject.toml", "loopwright/", "project/"} <= set(names)
    assert not [name for name in names if not (context / name).exists()]


def test_all_extras_that_are_installed_are_in_the_lock_file(context: Path, of_a_cloud: list[Instruction]) -> None:
    (cloud,) = (one.words.partition("=")[2] for one in of_a_cloud if one.words.startswith("CLOUD="))
    words = next(one.words for one in of_a_cloud if "uv sync" in one.words).replace("${CLOUD}", cloud).split()
    extras = {extra for flag, extra in pairwise(words) if flag == "--extra"}
    known = tomllib.loads((context / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert "--locked" in words
    assert {cloud, f"{cloud}-image", "serve", "train"} <= extras <= set(known)


def test_the_archive_has_the_wanted_python(tmp_path: Path) -> None:
    built = build_image_context(project=PROJECT, python_version="3.12", cache=tmp_path)
    with zipfile.ZipFile(built.path) as archive:
        text = archive.read("Dockerfile").decode()
    assert "ARG PYTHON=3.12\n" in text
    assert built.digest != build_image_context(project=PROJECT, cache=tmp_path).digest


def test_the_archive_is_the_same_bytes_elsewhere(archive: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(PROJECT, tmp_path / "copy", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    (copy / "data.csv").write_text("not a module")
    again = build_image_context(project=copy, cache=tmp_path)
    assert again.path.read_bytes() == archive.read_bytes()


def test_it_runs_as_nobody_in_particular_and_writes_only_into_tmp(of_a_cloud: list[Instruction]) -> None:
    made = final_image(of_a_cloud)
    assert [one.words for one in made if one.name == "USER"] == ["1000:1000"]
    variables = environment(made, {})
    assert variables["HOME"] == variables["TMPDIR"] == "/tmp"  # noqa: S108


def test_it_stands_on_a_small_base_of_a_version_and_has_no_tools_to_build_with(of_a_cloud: list[Instruction]) -> None:
    made = final_image(of_a_cloud)
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", base(of_a_cloud))
    ran = " ".join(one.words for one in made if one.name == "RUN")
    assert not re.search(r"\b(gcc|build-essential|pip|uv|curl|git)\b", ran)
    assert "rm -rf /var/lib/apt/lists/*" in ran
    assert not [one for one in made if one.name == "ADD"]


def test_all_of_it_is_compiled_and_nobody_looks_for_newer_sources(of_a_cloud: list[Instruction]) -> None:
    assert "PYTHONDONTWRITEBYTECODE" not in environment(final_image(of_a_cloud), {})
    compiling = [one.words for one in of_a_cloud if "compile" in one.words]
    assert len(compiling) == 2
    assert all("unchecked-hash" in words for words in compiling)


def test_each_cloud_has_its_own_command(of_a_cloud: list[Instruction]) -> None:
    _, _, *words = command(final_image(of_a_cloud))
    cloud = "gcp" if "CLOUD=gcp" in [one.words for one in of_a_cloud] else "aws"
    assert (
        words
        == {
            "aws": ["awslambdaric", "adapters.aws.job_runner.handler"],
            "gcp": ["functions.container", "predict"],
        }[cloud]
    )


@pytest.mark.parametrize("name", ["predict", "labels", "collect", "monitor", "retrain"])
def test_the_image_of_gcp_serves_the_function_that_its_command_names(name: str, tmp_path: Path) -> None:
    built = build_image_context(project=PROJECT, cloud="gcp", cache=tmp_path / "cache")
    context = unzip(built.path, tmp_path / "context")
    image = laid_out(context, instructions(context / "Dockerfile"), tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {"PORT": str(port), "LOOPWRIGHT_HOST": "127.0.0.1", "LOOPWRIGHT_AUTH": "iam"}
    local = {"LOOPWRIGHT_PROVIDER": "local", "LOOPWRIGHT_HOME": str(tmp_path / "state")}
    with subprocess.Popen(
        [*image.command[:-1], name], cwd=image.folder, env={**image.variables, **local, **variables}
    ) as process:
        try:
            assert answered(f"http://127.0.0.1:{port}/health", process)["status"] == "ok"
            process.terminate()
            assert process.wait(30) == 0
        finally:
            process.kill()


def answered(address: str, process: subprocess.Popen[bytes]) -> dict[str, object]:
    end = time.monotonic() + 30
    while True:
        try:
            return httpx.get(address, timeout=30).json()
        except httpx.TransportError:
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.05)


def test_as_a_function_it_runs_a_job(image: Image, settings: Settings) -> None:
    ask_for(settings, model="delays")
    with started(image.command, deployed(image, settings), image.folder) as function:
        answer = function.call({"key": "k", "attempt": "a"})
        assert not answer.failed, function.said()
    assert answer.payload == {"key": "k", "state": "succeeded"}
    assert state_of(settings) == ("succeeded", "")


def test_as_a_training_job_it_runs_a_job_and_writes_down_how_it_ended(image: Image, settings: Settings) -> None:
    ask_for(settings, model="nobody")
    words = [sys.executable, "-m", "adapters.aws.job_runner", "--key", "k", "--attempt", "a"]
    done = subprocess.run(words, cwd=image.folder, env=deployed(image, settings), capture_output=True, check=False)
    state, detail = state_of(settings)
    assert (done.returncode, state) == (1, "failed")
    assert "has no model 'nobody'" in detail
