"""A stack that is there: its functions are called as their callers do, and its stores are looked into."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from adapters import open_platform
from loopwright.ports import Platform
from loopwright.registry import Registry
from loopwright.settings import Settings
from tests.clouds.aws import REGION, client
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
    """What `pulumi up` has made, by the outputs of the stack. `project` is the folder that was deployed."""

    aws: Ministack
    outputs: Mapping[str, Any]
    project: Path
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
        name = f"{self.prefix}-{schedule}"
        target = client(self.aws.endpoint, "scheduler").get_schedule(Name=name)["Target"]
        done = client(self.aws.endpoint, "lambda").invoke(FunctionName=target["Arn"], Payload=target["Input"].encode())
        said = done["Payload"].read().decode()
        if "FunctionError" in done:
            raise RuntimeError(f"{target['Arn']} failed: {said}")
        return json.loads(said)

    def platform(self) -> Platform:
        """Open the stores of the stack, with every permission."""
        environment = {**self.outputs["environment"], "AWS_ENDPOINT_URL": self.aws.endpoint}
        environment |= {"LOOPWRIGHT_PROJECT": str(self.project), "LOOPWRIGHT_CLOCK_FILE": str(self.clock)}
        return open_platform(Settings.from_env(environment))

    def champion(self) -> int | None:
        """Return the version that answers."""
        platform = self.platform()
        return Registry(platform.table, clock=platform.clock, new_id=platform.new_id).routing("rain").champion

    @property
    def prefix(self) -> str:
        """How the names of all things begin."""
        return str(self.outputs["environment"]["LOOPWRIGHT_AWS_QUEUES"])

    def log_of(self, function: str) -> str:
        """Return what a function has said."""
        logs, group = client(self.aws.endpoint, "logs"), f"/aws/lambda/{self.prefix}-{function}"
        events = logs.filter_log_events(logGroupName=group).get("events", [])
        return "\n".join(event["message"] for event in events)


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
