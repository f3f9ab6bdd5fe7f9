"""The sides of a comparison as they are deployed on Lambda: each in folders of its own, under the real runtime.

Ours reads registry, model and features from an AWS that runs on this machine in a process of its own, and queues what
it answered there. The peers read a file.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from pathlib import Path

from adapters import open_platform
from adapters.aws.place import AwsPlace
from adapters.gcp.place import GcpPlace
from benchmarks.peers.environments import python_with
from benchmarks.serving.sides import AWS, FASTAPI, ONE_THREAD, ROOT
from benchmarks.serving.world import FOLDER, FOUND, SENT, Prepared, event
from infra.packages import KIND_OF, build_package
from loopwright.ports.table import Key
from loopwright.serving.log import PREDICTIONS_QUEUE
from loopwright.settings import Settings
from tests.clouds.aws import client
from tests.clouds.lambda_runtime import Function, isolated, started

PEERS = ROOT / "benchmarks" / "peers"
SCIKIT = ("boto3", "fastapi", "joblib", "mangum", "numpy", "pandas", "scikit-learn")
ROLE = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True)
class Deployed:
    """A function: its handler, the folders that it imports from, its environment, and the event that it answers."""

    handler: str
    folders: tuple[Path, ...]
    environment: Mapping[str, str]
    event: object

    def start(self) -> AbstractContextManager[Function]:
        """Start a fresh process."""
        command = isolated(Path(sys.executable), self.handler, *self.folders)
        return started(command, {**ONE_THREAD, **self.environment}, self.folders[0])


@dataclass(frozen=True)
class Sizes:
    """Bytes of a package, unzipped and zipped."""

    unzipped: int
    zipped: int


def copied_to_aws(local: Settings, place: AwsPlace) -> Settings:
    """Copy the items and objects of a local home to AWS, and return the settings with which they are found there."""
    client(place.endpoint, "sqs").create_queue(QueueName=f"{place.queues}-{PREDICTIONS_QUEUE}")
    return _copied(local, replace(local, provider="aws", place=place.to_env()))


def copied_to_google(local: Settings, place: GcpPlace) -> Settings:
    """Copy the same to Google Cloud, and return the settings with which they are found there."""
    settings = _copied(local, replace(local, provider="gcp", place=place.to_env()))
    with closing(open_platform(settings)) as there:
        there.queue.send(PREDICTIONS_QUEUE, [b"the queue is made by it"])
    return settings


def _copied(local: Settings, settings: Settings) -> Settings:
    with closing(open_platform(local)) as here, closing(open_platform(settings)) as there:
        for info in here.blobs.list():
            there.blobs.put(info.key, here.blobs.get(info.key).data)
        for key in _keys(local.home):
            if (found := here.table.get(key)) is not None:
                there.table.put(key, found.value)
    return settings


def ours(settings: Settings, runtime: Path, home: Path) -> tuple[Deployed, Sizes]:
    """Build our package that predicts with the benchmark's project in it, and unzip it."""
    return _built("predict", event(SENT), settings, runtime, home)


def tracking(settings: Settings, runtime: Path, home: Path) -> tuple[Deployed, Sizes]:
    """Build our package that speaks MLflow with the same project in it, and unzip it."""
    path = "/api/2.0/mlflow/experiments/get-by-name"
    asked: dict[str, object] = {
        **event({}),
        "rawPath": path,
        "rawQueryString": "experiment_name=Default",
        "requestContext": {"http": {"method": "GET", "path": path, "sourceIp": "192.0.2.1"}},
        "body": "",
    }
    return _built("tracking", asked, settings, runtime, home)


def _built(
    function: str, asked: Mapping[str, object], settings: Settings, runtime: Path, home: Path
) -> tuple[Deployed, Sizes]:
    project, folder = home / "project", home / f"task-{function}"
    project.mkdir(exist_ok=True)
    shutil.copy(FOLDER / "project.py", project)
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    built = build_package(KIND_OF[function], project=project, python_version=version, cache=home / "cache")
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(folder)
    environment = {**replace(settings, project=folder / "project").to_env(), **ROLE}
    sizes = Sizes(built.unzipped_bytes, built.path.stat().st_size)
    return Deployed(f"functions.{function}.main.handler", (folder, runtime), environment, asked), sizes


def fastapi(prepared: Prepared, runtime: Path, home: Path) -> tuple[Deployed, Sizes]:
    """Lay out FastAPI + Mangum + ONNX Runtime + boto3."""
    environment = {"PEER_MODEL": str(prepared.model), "PEER_AWS": "1", **AWS}
    return _peer("fastapi_plain", FASTAPI, environment, runtime, home)


def scikit(prepared: Prepared, runtime: Path, home: Path) -> tuple[Deployed, Sizes]:
    """Lay out FastAPI + Mangum + scikit-learn + boto3; its model is fitted where it will be loaded."""
    model, maker = home / "peer.joblib", PEERS / "sklearn_plain.py"
    command = [python_with(*SCIKIT, "msgspec", "typing-extensions"), maker, prepared.rows, model]
    subprocess.run(command, cwd=home, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    return _peer("sklearn_plain", SCIKIT, {"PEER_MODEL": str(model), **AWS}, runtime, home)


def _peer(
    module: str, packages: Sequence[str], environment: Mapping[str, str], runtime: Path, home: Path
) -> tuple[Deployed, Sizes]:
    folder = home / module
    folder.mkdir()
    shutil.copy(PEERS / f"{module}.py", folder)
    libraries = python_with(*packages).parents[1] / "lib" / Path(os.__file__).parent.name / "site-packages"
    call = event({**SENT, **FOUND})
    return Deployed(f"{module}.handler", (folder, libraries, runtime), environment, call), _sizes(libraries, home)


def _sizes(folder: Path, home: Path) -> Sizes:
    archive = home / "peer.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for path in folder.rglob("*"):
            if path.is_file():
                written.write(path, path.relative_to(folder))
    return Sizes(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()), archive.stat().st_size)


def _keys(home: Path) -> Iterator[Key]:
    """Yield the keys of all items of a local home: a port lists one partition only."""
    with closing(sqlite3.connect(home / "table.db")) as database:
        for partition, sort in database.execute("SELECT partition, sort FROM items"):
            yield Key(partition, sort)
