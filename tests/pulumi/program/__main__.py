"""Deploys the configured project as `infra/` does, with packages and an image that hold next to nothing."""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pulumi

from infra.artifacts import Artifact
from infra.config import Cloud, read_config
from infra.program import ROOT, deploy

CONTAINER = Path(__file__).with_name("container.py")


class Placeholders:
    """A small zip in place of each package; functions of the image only tell what they have been told."""

    def __init__(self, folder: Path, *, broken: bool) -> None:
        self._folder = folder
        self._broken = broken

    def package(self, kind: str) -> Artifact:
        return self._zipped(kind, {f"{kind}.txt": kind})

    def image_context(self) -> Artifact:
        module = "raise SystemExit('broken')" if self._broken else CONTAINER.read_text()
        return self._zipped("training", {"Dockerfile": "WORKDIR /opt/loopwright\n", "functions/container.py": module})

    def _zipped(self, name: str, files: Mapping[str, str]) -> Artifact:
        path = self._folder / f"{name}.zip"
        with zipfile.ZipFile(path, "w") as file:
            for each, text in files.items():
                file.writestr(zipfile.ZipInfo(each), text)
        return Artifact(path, hashlib.sha256(path.read_bytes()).hexdigest())


def note(cloud: Cloud, text: pulumi.Output[str]) -> None:
    """Give a secret to something that the cloud can be asked for, and to whoever asks for the outputs."""
    match cloud:
        case "aws":
            import pulumi_aws as aws  # noqa: PLC0415 - one provider's SDK is enough

            aws.cloudwatch.LogGroup("note", name="note", retention_in_days=1, tags={"note": text})
        case "gcp":
            import pulumi_gcp as gcp  # noqa: PLC0415

            everywhere = gcp.secretmanager.SecretReplicationArgs(auto=gcp.secretmanager.SecretReplicationAutoArgs())
            made = gcp.secretmanager.Secret("note", secret_id="note", replication=everywhere)  # noqa: S106 - its name
            gcp.secretmanager.SecretVersion("note", secret=made.id, secret_data=text)
    pulumi.export("note", text)


def bad(cloud: Cloud) -> None:
    """Make what no stack may have."""
    match cloud:
        case "aws":
            import pulumi_aws as aws  # noqa: PLC0415 - one provider's SDK is enough

            aws.sqs.Queue("loses-what-it-has", sqs_managed_sse_enabled=False)
        case "gcp":
            import pulumi_gcp as gcp  # noqa: PLC0415

            gcp.pubsub.Subscription("loses-what-it-has", topic="projects/loopwright-test/topics/airport-dev-labels")


given = pulumi.Config()
config = read_config(given, stack=pulumi.get_stack(), root=ROOT)
folder = Path(os.environ["LOOPWRIGHT_PLACEHOLDERS"])
deploy(config, Placeholders(folder, broken=bool(given.get_bool("broken"))))
note(config.provider, given.require_secret("note"))
if given.get_bool("bad"):
    bad(config.provider)
