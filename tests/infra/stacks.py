"""Stacks that are planned and made for real, up to the provider: that one only notes what it is asked for."""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf.message import Message
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.rpc import unwrap_rpc_secret
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_pulumi_func
from typing_extensions import override

from infra.artifacts import Artifact
from infra.config import StackConfig, read_config
from infra.program import deploy

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
REGION = "eu-central-1"
DIGEST = "d1" * 32
PROJECT = "a-project"
NUMBER = "1234567890"
GOOGLE_REGION = "europe-west3"
PLACE = {"aws:region": REGION, "gcp:project": PROJECT, "gcp:region": GOOGLE_REGION}
GOOGLE_IMAGE = f"{GOOGLE_REGION}-docker.pkg.dev/{PROJECT}/images/loopwright:1"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/loopwright:1"


@dataclass(frozen=True)
class Registration:
    """A resource as the program registers it: what each property is made of, and whether it may be deleted.

    `waits_for`: all that has to be there before it.
    """

    urn: str
    type: str
    name: str
    made_of: Mapping[str, Sequence[str]]
    protect: bool
    waits_for: Sequence[str]


class Monitor(MockMonitor):
    """Notes what the mocks are not told."""

    def __init__(self, made: "Made") -> None:
        super().__init__(made)
        self._made = made

    @override
    def Invoke(self, request: Message) -> Message:
        with thread_loop():
            return super().Invoke(request)

    @override
    def RegisterResource(self, request: Message) -> Message:
        with thread_loop():
            answer = super().RegisterResource(request)
        made_of = {key: list(value.urns) for key, value in request.propertyDependencies.items()}
        self._made.registrations.append(
            Registration(answer.urn, request.type, request.name, made_of, request.protect, list(request.dependencies))
        )
        return answer


@contextmanager
def thread_loop() -> Iterator[None]:
    """Give a thread of the SDK's a loop, as the mocks want one: theirs would never be closed."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@dataclass
class Made(Mocks):
    """Every resource that a program has asked for, in order, and what it exported."""

    resources: list[MockResourceArgs] = field(default_factory=list)
    registrations: list[Registration] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict]:
        # One secret in a property makes a secret of the whole; a provider sees what is in it.
        args.inputs = {key: unwrap_rpc_secret(value) for key, value in args.inputs.items()}
        self.resources.append(args)
        told = aws_answers(args) if args.typ.startswith("aws:") else google_answers(args)
        answers = {"name": args.name, **told, **args.inputs}
        return str(answers.pop("id", f"{args.name}-id")), answers

    def call(self, args: MockCallArgs) -> dict:
        if args.token.endswith(":getProject"):
            return {"number": NUMBER, "projectId": PROJECT, "id": f"projects/{PROJECT}"}
        assert args.token.endswith(":getCallerIdentity")
        return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:user/someone", "id": ACCOUNT, "userId": "U"}

    def of(self, kind: str) -> dict[str, dict]:
        """Return the inputs of all resources of a type, by name; `kind` is like `sqs/queue:Queue`."""
        return {one.name: one.inputs for one in self.resources if one.typ in {f"aws:{kind}", f"gcp:{kind}"}}

    def policies(self) -> Iterator[tuple[str, str, dict]]:
        """Yield every statement of every policy, with the type and the name of what has it."""
        for one in self.resources:
            for key in ("policy", "assumeRolePolicy"):
                if isinstance(text := one.inputs.get(key), str) and "Statement" in text:
                    yield from ((one.typ, one.name, statement) for statement in json.loads(text)["Statement"])


def aws_answers(args: MockResourceArgs) -> dict[str, Any]:
    """Return what AWS would tell of a resource that has been made."""
    name = args.name
    answers = {
        "arn": f"arn:aws:{args.typ.removeprefix('aws:').partition('/')[0]}:{REGION}:{ACCOUNT}:{name}",
        "bucket": name,
        "value": "a secret",
        "version": "1",
        **dict.fromkeys(("url", "functionUrl", "apiEndpoint", "invokeUrl", "repositoryUrl"), f"https://{name}/"),
        **{key: f"arn:aws:{key}:{name}" for key in ("invokeArn", "executionArn")},
    }
    if args.typ == "aws:lambda/invocation:Invocation":
        answers["result"] = json.dumps({"image": IMAGE})
    return answers


def google_answers(args: MockResourceArgs) -> dict[str, Any]:
    """Return what Google would tell of a resource that has been made."""
    name, inputs = args.name, args.inputs
    match args.typ.removeprefix("gcp:"):
        case "serviceaccount/account:Account":
            email = f"{inputs['accountId']}@{PROJECT}.iam.gserviceaccount.com"
            return {
                "email": email,
                "member": f"serviceAccount:{email}",
                "name": f"projects/{PROJECT}/serviceAccounts/{email}",
            }
        case "projects/serviceIdentity:ServiceIdentity":
            return {"member": f"serviceAccount:service-{NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"}
        case "logging/projectSink:ProjectSink":
            return {"writerIdentity": f"serviceAccount:{name}-writer@example.org"}
        case "projects/iAMCustomRole:IAMCustomRole":
            return {"name": f"projects/{PROJECT}/roles/{inputs['roleId']}"}
        case "pubsub/topic:Topic":
            return {"id": f"projects/{PROJECT}/topics/{inputs['name']}"}
        case "storage/bucketObject:BucketObject":
            return {"generation": 1_795_000_000_000_000}
        case "cloudrunv2/service:Service":
            return {"uri": f"https://{name}.run.app"}
        case "secretmanager/secretVersion:SecretVersion":
            return {"version": "1"}
        case _:
            return {}


class EmptyArtifacts:
    """Empty files in place of what takes minutes to build."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def package(self, kind: str) -> Artifact:
        path = self._folder / f"{kind}.zip"
        path.write_bytes(b"PK")
        return Artifact(path, DIGEST)

    def image_context(self) -> Artifact:
        return self.package("training")


def configured(**values: str) -> StackConfig:
    return read_config(values, stack="dev", root=ROOT)


def made(folder: Path, config: StackConfig) -> Made:
    """Run the program to its end, and return what it asked for."""
    return run(lambda: deploy(config, EmptyArtifacts(folder)))


def run(program: Callable[[], None], values: Mapping[str, str] | None = None) -> Made:
    notes = Made()

    def noted() -> None:
        program()
        stack = pulumi.runtime.settings.get_root_resource()
        pulumi.Output.from_input(dict(stack.outputs)).apply(notes.outputs.update)

    # The SDK keeps the loop that is set when the mocks are.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    set_root_resource(None)
    pulumi.runtime.set_all_config({**PLACE, **(values or {})})
    set_mocks(notes, project="loopwright", stack="dev", preview=False, monitor=Monitor(notes))
    try:
        loop.run_until_complete(run_pulumi_func(noted))
    finally:
        set_root_resource(None)
        loop.close()
        asyncio.set_event_loop(None)
    return notes


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def tags(inputs: Mapping[str, Any]) -> Mapping[str, str]:
    return inputs.get("tags") or {}
