"""A project that `pulumi up` has deployed into an AWS on this machine, with IAM enforced."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from typing_extensions import override

from adapters import open_platform
from loopwright.settings import Settings
from tests.clouds.aws import ACCOUNT, REGION, client
from tests.clouds.ministack import Ministack, running
from tests.clouds.tools import ROOT
from tests.pulumi.deployed import Answered, Deployed, asking, sent
from tests.pulumi.pythons import newest_python
from tests.pulumi.stack import Stack, aws_at


@dataclass(frozen=True, slots=True)
class OnAws(Deployed):
    """A stack on AWS.

    Attributes:
        aws: where it is.
        outputs: what the stack says of itself.
        key: signs the requests.
    """

    aws: Ministack
    outputs: Mapping[str, Any]
    key: Credentials = field(default_factory=lambda: Credentials("test", "test"))

    @override
    def post(self, function: str, path: str, body: object) -> Answered:
        url = urlsplit(self.outputs[f"{function}Url"])
        request = AWSRequest("POST", f"http://{url.netloc}{path}", data=json.dumps(body).encode())
        request.headers["content-type"] = "application/json"
        SigV4Auth(self.key, "lambda" if ".lambda-url." in url.netloc else "execute-api", REGION).add_auth(request)
        return sent(asking(f"{self.aws.endpoint}{path}", body, **{**request.headers, "Host": url.netloc}))

    @override
    def asked_by_nobody(self, function: str, path: str, body: object) -> Answered:
        return sent(asking(f"{self.aws.endpoint}{self._path_of(function)}{path}", body))

    @override
    def due(self, schedule: str) -> None:
        if schedule != "collect":  # Lambda does, as soon as there is something
            self.fire(schedule)

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

    def acting_as(self, role: str) -> AbstractContextManager[boto3.Session]:
        """Take on a role, given by its ARN; see `taken_on`."""
        return taken_on(self.aws, role)

    @property
    def tracking(self) -> str:
        """Where MLflow's clients find the stack."""
        return f"{self.aws.endpoint}{self._path_of('tracking')}"

    @property
    def signing(self) -> Mapping[str, str]:
        """The variables with which AWS's own tools sign."""
        access, secret = self.key.access_key, self.key.secret_key
        return {"AWS_ACCESS_KEY_ID": access, "AWS_SECRET_ACCESS_KEY": secret, "AWS_DEFAULT_REGION": REGION}

    @property
    def prefix(self) -> str:
        """How the names of all things begin."""
        return str(self.outputs["environment"]["LOOPWRIGHT_AWS_QUEUES"])

    def _path_of(self, function: str) -> str:
        """Return where a function's URL, or its API, is found by who cannot resolve its name."""
        name, _, kind = urlsplit(self.outputs[f"{function}Url"]).netloc.partition(".")
        return f"/_aws/{kind.partition('.')[0]}/{name}"

    def log_of(self, function: str) -> str:
        """Return what a function has said."""
        logs, group = client(self.aws.endpoint, "logs"), f"/aws/lambda/{self.prefix}-{function}"
        events = logs.filter_log_events(logGroupName=group).get("events", [])
        return "\n".join(event["message"] for event in events)


@contextmanager
def taken_on(aws: Ministack, role: str) -> Iterator[boto3.Session]:
    """Take on a role, given by its ARN, in place of the service that it is for: this AWS's own services take none.

    Its trust is widened for that, and only until it is taken on.
    """
    iam, name = client(aws.endpoint, "iam"), role.rpartition("/")[2]
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    people = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    wider = {**trust, "Statement": [*trust["Statement"], people]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(wider))
    try:
        taken = client(aws.endpoint, "sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    yield boto3.Session(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"], REGION)


@contextmanager
def deployed(folder: Path, project: Path, clock: Path) -> Iterator[OnAws]:
    """Deploy a project for the time of the block; the state of the stack is in the folder.

    Raises:
        MissingToolError: something that this takes is not to be had here.
    """
    python = newest_python()
    with running(auth=True, variables={"LOOPWRIGHT_CLOCK_FILE": str(clock)}) as aws:
        stack = Stack("loop", aws_at(aws.endpoint), folder)
        where = str(project.relative_to(ROOT))
        stack.create(aws__region=REGION, protect="false", project=where, pythonVersion=python)
        stack.up()
        outputs = stack.outputs()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ.setdefault(name, "test")
        told = {"LOOPWRIGHT_PROJECT": str(project), "LOOPWRIGHT_CLOCK_FILE": str(clock)}
        place = {"LOOPWRIGHT_AWS_ENDPOINT": aws.endpoint}
        with closing(open_platform(Settings.from_env({**outputs["environment"], **told, **place}))) as platform:
            yield OnAws(platform, clock, aws, outputs)
