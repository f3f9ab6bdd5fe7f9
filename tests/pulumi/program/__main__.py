"""Deploys the configured project as `infra/` does, with packages that hold nothing but their names."""

import hashlib
import os
import zipfile
from pathlib import Path

import pulumi

from infra.artifacts import Artifact
from infra.config import read_config
from infra.program import ROOT, deploy


class Placeholders:
    """A small zip in place of each package."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def package(self, kind: str) -> Artifact:
        path = self._folder / f"{kind}.zip"
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(zipfile.ZipInfo(f"{kind}.txt"), kind)
        return Artifact(path, hashlib.sha256(path.read_bytes()).hexdigest())

    def image_context(self) -> Artifact:
        return self.package("training")


config = read_config(pulumi.Config(), stack=pulumi.get_stack(), root=ROOT)
deploy(config, Placeholders(Path(os.environ["LOOPWRIGHT_PLACEHOLDERS"])))
