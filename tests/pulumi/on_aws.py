"""A project that `pulumi up` has deployed into an AWS on this machine, with IAM enforced."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from typing_extensions import override

from adapters import open_platform
from loopwright.settings import Settings
from tests.clouds.aws import REGION, client
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
        SigV4Auth(self.key, "lambda", REGION).add_auth(request)
        return sent(asking(f"{self.aws.endpoint}{path}", body, **{**request.headers, "Host": url.netloc}))

    @override
    def asked_by_nobody(self, function: str, path: str, body: object) -> Answered:
        return sent(asking(f"{self.aws.endpoint}{self._path_of(function)}{path}", body))

    @override
    def collect(self) -> None:
        """Lambda does, as soon as there is something."""

    @override
    def monitor(self) -> None:
        self.fire("monitor")

    def fire(self, schedule: str) -> Any:
        """Call what a schedule calls, with its input and under its role, and return what it answered.

        Raises:
            RuntimeError: it failed.
        """
        name = f"{self.prefix}-{schedule}"
        target = client(self.aws.endpoint, "scheduler").get_schedule(Name=name)["Target"]
        done = client(self.aws.endpoint, "lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"].encode())
        said = done["Payload"].read().decode()
        if "FunctionError" in done:
            raise RuntimeError(f"{target['Arn']} failed: {said}")
        return json.loads(said)

    @property
    def prefix(self) -> str:
        """How the names of all things begin."""
        return str(self.outputs["environment"]["LOOPWRIGHT_AWS_QUEUES"])

    def _path_of(self, function: str) -> str:
        """Return where a function's URL is found by who cannot resolve its name."""
        return f"/_aws/lambda-url/{urlsplit(self.outputs[f'{function}Url']).netloc.partition('.')[0]}"


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
        place = {"AWS_ENDPOINT_URL": aws.endpoint}
        with closing(open_platform(Settings.from_env({**outputs["environment"], **told, **place}))) as platform:
            yield OnAws(platform, clock, aws, outputs)
