"""A stack that is there: its functions are called as their callers do, and its stores are looked into."""

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from adapters import open_platform
from loopwright.clock import ReplayClock
from loopwright.ports import Platform
from loopwright.registry import Registry
from loopwright.settings import Settings
from tests.clouds.aws import ACCOUNT, REGION, client
from tests.clouds.ministack import Ministack

_PATIENCE: Final = 120.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back over HTTP."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Deployed:
    """What `pulumi up` has made, by the outputs of the stack.

    Attributes:
        aws: where it is.
        outputs: what the stack says of itself.
        platform: its stores, for who looks into them with every permission.
        clock: the file that tells its functions the time.
        key: signs the requests.
    """

    aws: Ministack
    outputs: Mapping[str, Any]
    platform: Platform
    clock: Path
    key: Credentials = field(default_factory=lambda: Credentials("test", "test"))

    def post(self, function: str, path: str, body: object) -> Answered:
        """Send a signed request to a function's URL."""
        url = urlsplit(self.outputs[f"{function}Url"])
        request = AWSRequest("POST", f"http://{url.netloc}{path}", data=json.dumps(body).encode())
        request.headers["content-type"] = "application/json"
        SigV4Auth(self.key, "lambda", REGION).add_auth(request)
        there = urllib.request.Request(f"{self.aws.endpoint}{path}", data=request.body, method="POST")  # noqa: S310
        for name, value in {**request.headers, "Host": url.netloc}.items():
            there.add_header(name, value)
        try:
            with urllib.request.urlopen(there, timeout=_PATIENCE) as answer:  # noqa: S310 - our own AWS
                return Answered(answer.status, json.loads(answer.read()))
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            return Answered(error.code, json.loads(text) if text.startswith("{") else text)

    def fire(self, schedule: str) -> Any:
        """Call what a schedule calls, with its input and under its role, and return what it answered.

        Raises:
            RuntimeError: it failed.
        """
        target = self.target_of(schedule)
        with self.acting_as(target["RoleArn"]) as session:
            functions = session.client("lambda", endpoint_url=self.aws.endpoint)
            done = functions.invoke(FunctionName=target["Arn"], Payload=target["Input"].encode())
        said = done["Payload"].read().decode()
        if "FunctionError" in done:
            raise RuntimeError(f"{target['Arn']} failed: {said}")
        return json.loads(said)

    def target_of(self, schedule: str) -> dict[str, Any]:
        """Return what a schedule calls, with its input, under which role, and where it leaves what came to nothing."""
        name = f"{self.prefix}-{schedule}"
        found: dict[str, Any] = client(self.aws.endpoint, "scheduler").get_schedule(Name=name)["Target"]
        return found

    @contextmanager
    def acting_as(self, role: str) -> Iterator[boto3.Session]:
        """Take on a role, given by its ARN, in place of the service that it is for: this AWS's own services take none.

        Its trust is widened for that, and only until it is taken on.
        """
        iam, name = client(self.aws.endpoint, "iam"), role.rpartition("/")[2]
        trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        people = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
        wider = {**trust, "Statement": [*trust["Statement"], people]}
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(wider))
        try:
            taken = client(self.aws.endpoint, "sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        finally:
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
        yield boto3.Session(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], REGION)

    def champion(self) -> int | None:
        """Return the version that answers."""
        platform = self.platform
        return Registry(platform.table, clock=platform.clock, new_id=platform.new_id).routing("rain").champion

    @property
    def now(self) -> float:
        """The moment that the stack takes for this one."""
        return ReplayClock(self.clock)()

    def path_of(self, function: str) -> str:
        """Return where a function's URL is found by who cannot resolve its name."""
        return f"/_aws/lambda-url/{urlsplit(self.outputs[f'{function}Url']).netloc.partition('.')[0]}"

    @property
    def prefix(self) -> str:
        """How the names of all things begin."""
        return str(self.outputs["environment"]["LOOPWRIGHT_AWS_QUEUES"])

    def log_of(self, function: str) -> str:
        """Return what a function has said."""
        logs, group = client(self.aws.endpoint, "logs"), f"/aws/lambda/{self.prefix}-{function}"
        events = logs.filter_log_events(logGroupName=group).get("events", [])
        return "\n".join(event["message"] for event in events)


@contextmanager
def deployed_in(aws: Ministack, outputs: Mapping[str, Any], *, project: Path, clock: Path) -> Iterator[Deployed]:
    """Open the stores of a stack for the time of the block; `project` is the folder that was deployed."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.setdefault(name, "test")
    local = {
        "LOOPWRIGHT_PROJECT": str(project),
        "LOOPWRIGHT_CLOCK_FILE": str(clock),
        "LOOPWRIGHT_AWS_ENDPOINT": aws.endpoint,
    }
    with closing(open_platform(Settings.from_env({**outputs["environment"], **local}))) as platform:
        yield Deployed(aws, outputs, platform, clock)


def awaited(look: Callable[[], T | None], *, patience: float = _PATIENCE) -> T:
    """Look until there is something.

    Raises:
        TimeoutError: there is nothing to be seen for so long.
    """
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        if found := look():
            return found
        time.sleep(0.5)
    raise TimeoutError(f"nothing came within {patience:g} seconds")
