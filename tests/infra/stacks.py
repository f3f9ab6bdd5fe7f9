"""Stacks that are planned and made for real, up to the provider: that one only notes what it is asked for."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

import pulumi
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.stack import run_pulumi_func

from infra.artifacts import Artifact
from infra.config import StackConfig, read_config
from infra.program import deploy

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
REGION = "eu-central-1"


@dataclass
class Notes(Mocks):
    """Every resource that the program has asked for, in order."""

    resources: list[MockResourceArgs] = field(default_factory=list)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict]:
        self.resources.append(args)
        made = {
            "arn": f"arn:aws:{args.typ}:{args.name}",
            "name": args.name,
            "bucket": args.name,
            "url": f"https://{args.name}",
        }
        return f"{args.name}-id", made | dict(args.inputs)

    def call(self, args: MockCallArgs) -> dict:
        assert args.token == "aws:index/getCallerIdentity:getCallerIdentity", args.token
        return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/someone", "id": ACCOUNT, "userId": "U"}

    def of(self, kind: str) -> dict[str, dict]:
        """Return the inputs of all resources of a type, by name; `kind` is its end, like `sqs/queue:Queue`."""
        return {one.name: one.inputs for one in self.resources if one.typ == f"aws:{kind}"}


class FakeArtifacts:
    """Empty files in place of what takes minutes to build."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def package(self, kind: str) -> Artifact:
        path = self._folder / f"{kind}.zip"
        path.write_bytes(b"PK")
        return Artifact(path, "d1" * 32)

    def image_context(self) -> Artifact:
        return self.package("context")


def config(**values: str) -> StackConfig:
    return read_config(values, stack="dev", root=ROOT)


def made(folder: Path, settings: StackConfig) -> Notes:
    """Run the program to its end and return what it asked for."""
    asyncio.set_event_loop(asyncio.new_event_loop())
    notes = Notes()
    pulumi.runtime.set_all_config({"aws:region": REGION})
    set_mocks(notes, project="loopwright", stack="dev", preview=False)
    loop = asyncio.get_event_loop()
    loop.run_until_complete(run_pulumi_func(lambda: deploy(settings, FakeArtifacts(folder))))
    loop.close()
    return notes


def parsed(text: str) -> list[dict]:
    return json.loads(text)["Statement"]
