"""The sides of a comparison as they are deployed on Lambda: each in a folder, under the real runtime, alone with it.

Ours reads registry, model and features from an AWS that runs on this machine in a process of its own, and queues what
it answered there. The peers read a file.
"""

import json
import shutil
import sqlite3
import sys
import zipfile
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, replace
from pathlib import Path

from adapters import open_platform
from benchmarks.peers.environments import python_with
from benchmarks.serving.sides import AWS, FASTAPI, ONE_THREAD, ROOT
from benchmarks.serving.world import FOLDER, FOUND, SENT, Prepared, event
from infra.packages import build_package
from infra.packages.archive import write_zip
from loopwright.ports.table import Key
from loopwright.serving.log import PREDICTIONS_QUEUE
from loopwright.settings import AwsPlace, Settings
from tests.clouds.aws import client
from tests.clouds.lambda_runtime import Function, copy_runtime, isolated, started

PEERS = ROOT / "benchmarks" / "peers"
SCIKIT = ("boto3", "fastapi", "joblib", "mangum", "numpy", "pandas", "scikit-learn")
ROLE = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True)
class Deployed:
    """A function's command, folder and environment, the event that it answers, its size unzipped and zipped."""

    command: list[str]
    folder: Path
    environment: Mapping[str, str]
    event: object
    bytes: int
    zipped: int

    def start(self) -> AbstractContextManager[Function]:
        """Start a fresh process."""
        return started(self.command, {**ONE_THREAD, **self.environment}, self.folder)


def copy_to_aws(local: Settings, place: AwsPlace) -> Settings:
    """Copy the items and objects of a local home to AWS, and return the settings with which they are found there."""
    settings = replace(local, provider="aws", aws=place)
    client(place.endpoint, "sqs").create_queue(QueueName=f"{place.queues}-{PREDICTIONS_QUEUE}")
    with closing(open_platform(local)) as ours, closing(open_platform(settings)) as theirs:
        for info in ours.blobs.list():
            theirs.blobs.put(info.key, ours.blobs.get(info.key).data)
        for key in _keys(local.home):
            found = ours.table.get(key)
            if found is not None:
                theirs.table.put(key, found.value)
    return settings


def ours(settings: Settings, runtime: Path, home: Path) -> Deployed:
    """Unzip our package; what it was built of is the benchmark's project."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    project = home / "project"
    project.mkdir()
    shutil.copy(FOLDER / "project.py", project)
    built = build_package("serve", project=project, python_version=version, cache=home / "cache")
    folder = home / "task"
    with zipfile.ZipFile(built.path) as archive:
        archive.extractall(folder)
    environment = {**replace(settings, project=folder / "project").to_env(), **ROLE}
    command = isolated(Path(sys.executable), "functions.predict.main.handler", folder, runtime)
    return Deployed(command, folder, environment, event(SENT), built.unzipped_bytes, built.path.stat().st_size)


def fastapi(prepared: Prepared, runtime: Path, home: Path) -> Deployed:
    """Lay out FastAPI + Mangum + ONNX Runtime + boto3."""
    environment = {"PEER_MODEL": str(prepared.model), "PEER_AWS": "1", **AWS}
    return _peer("fastapi_plain", FASTAPI, environment, runtime, home)


def scikit(prepared: Prepared, runtime: Path, home: Path) -> Deployed:
    """Lay out FastAPI + Mangum + scikit-learn + boto3."""
    model = prepared.settings.home / "peer.joblib"
    python = python_with(*SCIKIT)
    _run_there(python, [str(PEERS / "sklearn_plain.py"), str(prepared.rows), str(model)])
    return _peer("sklearn_plain", SCIKIT, {"PEER_MODEL": str(model), **AWS}, runtime, home)


def _peer(
    module: str, packages: tuple[str, ...], environment: Mapping[str, str], runtime: Path, home: Path
) -> Deployed:
    ...
