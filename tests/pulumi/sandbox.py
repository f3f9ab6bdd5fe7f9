"""A cloud on this machine with the stack in it, to try things out: `python -m tests.pulumi.sandbox up`, and `down`.

What it consists of is in `.loopwright/sandbox`: the cloud, the state of the stack, and
a file with the variables that lead there.
"""

import argparse
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from infra.environment import exports
from tests.clouds.tools import ROOT, MissingToolError
from tests.pulumi.sandbox_clouds import CLOUDS, Cloud, variables
from tests.pulumi.stack import PulumiError, Stack

HOME: Final = ROOT / ".loopwright" / "sandbox"
_NAME: Final = "sandbox"


class _Running(msgspec.Struct, frozen=True):
    endpoint: str
    pid: int
    provider: str = "aws"

    @property
    def cloud(self) -> Cloud:
        return CLOUDS[self.provider]


class TakenError(RuntimeError):
    """There is a sandbox already, and it is another cloud."""


def main(argv: list[str] | None = None) -> int:
    """Start it or take it away, and return the exit code."""
    parser = argparse.ArgumentParser(prog="sandbox", description="A cloud on this machine with the stack in it.")
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--provider", default="aws", choices=CLOUDS, help="which cloud")
    parser.add_argument("--project", default="examples/flights", help="the folder with project.py, seen from the root")
    given = parser.parse_args(argv)
    try:
        if given.what == "up":
            _say(up(given.project, provider=given.provider))
        else:
            down()
            _say("the sandbox is gone, with all that was in it")
    except (MissingToolError, PulumiError, TakenError) as error:
        _say(str(error))
        return 1
    return 0


def up(project: str, home: Path = HOME, *, provider: str = "aws") -> str:
    """Start the cloud unless it runs, deploy the stack into it, and return what people need to know.

    Raises:
        MissingToolError: something that this takes is not to be had here.
        PulumiError: the stack could not be deployed; run again, it goes on.
        TakenError: another cloud is there.
    """
    running = _running(home) or _started(home, CLOUDS[provider])
    if running.provider != provider:
        raise TakenError(f"there is a sandbox of {running.provider} already: take it away with `make sandbox-down`")
    cloud = running.cloud
    stack = Stack(_NAME, cloud.leads_to(running.endpoint), home)
    if not (home / "state").exists():
        stack.create(**cloud.config())
    stack.configure(project=project)
    _say("deploying the stack into it; that takes a minute or two ...")
    stack.up()
    outputs = stack.outputs()
    (home / "environment").write_text(exports(variables(cloud, running.endpoint, outputs, project)))
    return _told(running, outputs, home)


def down(home: Path = HOME) -> None:
    """Destroy the stack, end the cloud and forget both; it is no error when they are not there.

    Raises:
        PulumiError: the stack could not be destroyed.
    """
    if running := _running(home):
        if (home / "state").exists():
            Stack(_NAME, running.cloud.leads_to(running.endpoint), home).destroy()
        running.cloud.end(running.pid)
    shutil.rmtree(home, ignore_errors=True)


def _started(home: Path, cloud: Cloud) -> _Running:
    down(home)
    (home / cloud.name).mkdir(parents=True)
    _say(f"starting a local {cloud.name} ...")
    endpoint, pid = cloud.start(home / cloud.name)
    running = _Running(endpoint, pid, cloud.name)
    (home / "running.json").write_bytes(msgspec.json.encode(running))
    return running


def _running(home: Path) -> _Running | None:
    """Return the cloud that was started here, if it answers."""
    with suppress(OSError, msgspec.DecodeError):
        known = msgspec.json.decode((home / "running.json").read_bytes(), type=_Running)
        return known if known.cloud.answers(known.endpoint) else None
    return None


def _told(running: _Running, outputs: Mapping[str, Any], home: Path) -> str:
    urls = {name.removesuffix("Url"): url for name, url in outputs.items() if name.endswith("Url")}
    lines = running.cloud.told(running.endpoint, urls)
    return "\n".join(
        [
            "",
            f"The stack is deployed. {lines[0]}",
            *lines[1:],
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
