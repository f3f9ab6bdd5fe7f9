"""An AWS on this machine with the stack in it, to try things out: `python -m tests.pulumi.sandbox up`, and `down`.

What it consists of is in `.loopwright/sandbox`: the AWS, the state of the stack, and
a file with the variables that lead there.
"""

import argparse
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from infra.environment import exports
from tests.clouds.aws import REGION
from tests.clouds.ministack import Ministack, start
from tests.clouds.tools import ROOT, MissingToolError
from tests.pulumi.pythons import newest_python
from tests.pulumi.stack import PulumiError, Stack, aws_at

HOME: Final = ROOT / ".loopwright" / "sandbox"
_NAME: Final = "sandbox"
_PATIENCE: Final = 10.0
_STARTED: Final[list[Ministack]] = []
"""Those that this process has started: it must not forget them while they run."""


class _Running(msgspec.Struct, frozen=True):
    endpoint: str
    pid: int


def main(argv: list[str] | None = None) -> int:
    """Start it or take it away, and return the exit code."""
    parser = argparse.ArgumentParser(prog="sandbox", description="A local AWS with the stack in it.")
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--project", default="examples/flights", help="the folder with project.py, seen from the root")
    given = parser.parse_args(argv)
    try:
        if given.what == "up":
            _say(up(given.project))
        else:
            down()
            _say("the sandbox is gone, with all that was in it")
    except (MissingToolError, PulumiError) as error:
        _say(str(error))
        return 1
    return 0


def up(project: str, home: Path = HOME) -> str:
    """Start the AWS unless it runs, deploy the stack into it, and return what people need to know.

    Raises:
        MissingToolError: something that this takes is not to be had here.
        PulumiError: the stack could not be deployed; run again, it goes on.
    """
    running = _running(home)
    if running is None:
        down(home)
        (home / "aws").mkdir(parents=True)
        _say("starting a local AWS ...")
        aws = start(auth=False, folder=home / "aws")
        _STARTED.append(aws)
        running = _Running(aws.endpoint, aws.process.pid)
        (home / "running.json").write_bytes(msgspec.json.encode(running))
    stack = Stack(_NAME, aws_at(running.endpoint), home)
    if not (home / "state").exists():
        stack.create(aws__region=REGION, protect="false", pythonVersion=newest_python())
    stack.configure(project=project)
    _say("deploying the stack into it, packages first; that takes a minute or two ...")
    stack.up()
    outputs = stack.outputs()
    (home / "environment").write_text(_exports(running.endpoint, outputs, project))
    return _told(running.endpoint, outputs, home)


def down(home: Path = HOME) -> None:
    """Destroy the stack, end the AWS and forget both; it is no error when they are not there.

    Raises:
        PulumiError: the stack could not be destroyed.
    """
    if running := _running(home):
        if (home / "state").exists():
            Stack(_NAME, aws_at(running.endpoint), home).destroy()
        _end(running.pid)
    shutil.rmtree(home, ignore_errors=True)


def _end(pid: int) -> None:
    """End the process of an AWS, whether this process has started it or an earlier one; it gets some time for it."""
    for one in _STARTED:
        if one.process.pid == pid:
            one.stop()
            return
    limit = time.monotonic() + _PATIENCE
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < limit:
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)


def _running(home: Path) -> _Running | None:
    """Return the AWS that was started here, if it answers."""
    with suppress(OSError, msgspec.DecodeError, urllib.error.URLError):
        known = msgspec.json.decode((home / "running.json").read_bytes(), type=_Running)
        with urllib.request.urlopen(f"{known.endpoint}/_ministack/ready", timeout=5):  # noqa: S310 - ours
            return known
    return None


def _exports(endpoint: str, outputs: Mapping[str, Any], project: str) -> str:
    variables = {
        **outputs["environment"],
        "LOOPWRIGHT_PROJECT": str(ROOT / project),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    return exports(variables)


def _told(endpoint: str, outputs: Mapping[str, Any], home: Path) -> str:
    urls = {name.removesuffix("Url"): url for name, url in outputs.items() if name.endswith("Url")}
    here = {name: f"{endpoint}/_aws/lambda-url/{urlsplit(url).netloc.partition('.')[0]}" for name, url in urls.items()}
    lines = [f"  {name:10}{url}" for name, url in sorted(here.items())]
    return "\n".join(
        [
            "",
            "The stack is deployed. Requests are signed as on AWS; any key does:",
            *lines,
            "",
            "What a function answers, and how to ask:",
            f"  curl --aws-sigv4 aws:amz:{REGION}:lambda --user test:test {here['predict']}/openapi.json",
            "The command line works on it too:",
            f"  source {home / 'environment'}",
            "  loopwright --help",
            "Take it away with `make sandbox-down`.",
        ]
    )


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - for the person who started this


if __name__ == "__main__":
    sys.exit(main())
