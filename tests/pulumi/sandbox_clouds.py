"""The clouds that a sandbox can be: how each is started and ended, and what people need to know of a stack in it."""

import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from adapters.gcp.api import Api
from adapters.gcp.tokens import Nobody
from tests.clouds import ministack
from tests.clouds.aws import REGION
from tests.clouds.google import world
from tests.clouds.google.ledger import OWNER
from tests.clouds.tools import ROOT
from tests.pulumi.on_google import CONFIG
from tests.pulumi.pythons import newest_python
from tests.pulumi.stack import aws_at, google_at

_PATIENCE: Final = 10.0
_STARTED: Final[list[ministack.Ministack | world.Google]] = []
"""Those that this process has started: it must not forget them while they run."""


class Cloud(Protocol):
    """One of them."""

    name: str

    def start(self, folder: Path) -> tuple[str, int]:
        """Start it; return where it answers, and its process.

        Raises:
            MissingToolError: something that this takes is not to be had here.
        """
        ...

    def answers(self, endpoint: str) -> bool:
        """Return whether it is there."""
        ...

    def end(self, pid: int) -> None:
        """End it, whether this process has started it or an earlier one; it gets some time for it."""
        ...

    def leads_to(self, endpoint: str) -> Mapping[str, str]:
        """Return the variables that lead there."""
        ...

    def config(self) -> Mapping[str, str]:
        """Return what the stack is configured with."""
        ...

    def told(self, endpoint: str, urls: Mapping[str, str]) -> list[str]:
        """Return, in lines, where the functions answer, and how to ask one."""
        ...


class Aws(Cloud):
    """ministack."""

    name = "aws"

    def start(self, folder: Path) -> tuple[str, int]:
        started = ministack.start(auth=False, folder=folder)
        _STARTED.append(started)
        return started.endpoint, started.process.pid

    def answers(self, endpoint: str) -> bool:
        return _answers(f"{endpoint}/_ministack/ready")

    def end(self, pid: int) -> None:
        if _ended_here(pid):
            return
        limit = time.monotonic() + _PATIENCE
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
            while time.monotonic() < limit:
                os.kill(pid, 0)
                time.sleep(0.1)
            os.kill(pid, signal.SIGKILL)

    def leads_to(self, endpoint: str) -> Mapping[str, str]:
        return aws_at(endpoint)

    def config(self) -> Mapping[str, str]:
        return {"aws__region": REGION, "protect": "false", "pythonVersion": newest_python()}

    def told(self, endpoint: str, urls: Mapping[str, str]) -> list[str]:
        # Their names cannot be resolved here; their paths can.
        kinds = {name: "execute-api" if name == "tracking" else "lambda-url" for name in urls}
        here = {
            name: f"{endpoint}/_aws/{kinds[name]}/{urlsplit(url).netloc.partition('.')[0]}"
            for name, url in urls.items()
        }
        return [
            "Requests are signed as on AWS; any key does:",
            *_listed(here),
            "",
            "What a function answers, and how to ask:",
            f"  curl --aws-sigv4 aws:amz:{REGION}:lambda --user test:test {here['predict']}/openapi.json",
            "",
            "What a notebook needs (`pip install requests-auth-aws-sigv4`, which MLflow signs with):",
            f"  export MLFLOW_TRACKING_URI={here['tracking']} MLFLOW_TRACKING_AWS_SIGV4=true",
            f"  export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION={REGION}",
            "  export MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE=1",
        ]


class Google(Cloud):
    """The front, the emulators behind it, and Cloud Run's containers as processes."""

    name = "gcp"

    def start(self, folder: Path) -> tuple[str, int]:
        started = world.start(world.SERVICES, folder=folder)
        _STARTED.append(started)
        return started.endpoint, started.process.pid

    def answers(self, endpoint: str) -> bool:
        return _answers(f"{endpoint}/oauth2/v3/certs")

    def end(self, pid: int) -> None:
        if not _ended_here(pid):
            world.end(pid)

    def leads_to(self, endpoint: str) -> Mapping[str, str]:
        return google_at(endpoint)

    def config(self) -> Mapping[str, str]:
        return CONFIG

    def told(self, endpoint: str, urls: Mapping[str, str]) -> list[str]:
        here = {name: url.rstrip("/") for name, url in urls.items()}
        api = Api("", endpoint=endpoint, tokens=Nobody())
        machine = api.call("GET", f"/_local/machines/{OWNER}")["host"]
        api.close()
        identity = f"http://{machine}/computeMetadata/v1/instance/service-accounts/default/identity"
        token, another = (
            f"$(curl -s -H 'Metadata-Flavor: Google' '{identity}?audience={here[name]}')"
            for name in ("predict", "tracking")
        )
        return [
            "Requests have an identity token, as on Cloud Run; here anybody gets one of the project's owner:",
            *_listed(here),
            "",
            "What a function answers, and how to ask:",
            f'  curl -H "Authorization: Bearer {token}" {here["predict"]}/openapi.json',
            "",
            "What a notebook needs:",
            f"  export MLFLOW_TRACKING_URI={here['tracking']}",
            f'  export MLFLOW_TRACKING_TOKEN="{another}"',
        ]


CLOUDS: Final[Mapping[str, Cloud]] = {one.name: one for one in (Aws(), Google())}


def variables(cloud: Cloud, endpoint: str, outputs: Mapping[str, Any], project: str) -> dict[str, str]:
    """Return the variables with which the command line works on the stack."""
    return {**outputs["environment"], "LOOPWRIGHT_PROJECT": str(ROOT / project), **cloud.leads_to(endpoint)}


def _listed(here: Mapping[str, str]) -> list[str]:
    return [f"  {name:10}{url}" for name, url in sorted(here.items())]


def _ended_here(pid: int) -> bool:
    for one in _STARTED:
        if one.process.pid == pid:
            one.stop()
            return True
    return False


def _answers(url: str) -> bool:
    with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=5):  # noqa: S310 - ours
        return True
    return False
