"""A project that `loopwright up` serves on this machine, beside its worker."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from typing_extensions import override

from adapters import open_platform
from loopwright.settings import Settings
from tests.clouds.google.world import free_port
from tests.pulumi.deployed import Answered, Deployed, asking, awaited, sent

_GRACE = 30.0


@dataclass(frozen=True, slots=True)
class OnThisMachine(Deployed):
    """The process of all functions; whoever reaches it may ask it everything."""

    address: str

    @override
    def post(self, function: str, path: str, body: object) -> Answered:
        return sent(asking(f"{self.address}{path}", body))

    @override
    def due(self, schedule: str) -> None:
        """The worker sees it by itself."""


@contextmanager
def deployed(folder: Path, project: Path, clock: Path) -> Iterator[OnThisMachine]:
    """Serve a project for the time of the block; its state is in the folder."""
    settings = Settings("local", folder / "home", project, clock)
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [Path(sys.executable).with_name("loopwright"), "up", "--project", project, "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **settings.to_env()}, stdout=log, stderr=log)
    try:
        awaited(lambda: _answers(address, process))
        with closing(open_platform(settings)) as platform:
            yield OnThisMachine(platform, clock, address)
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        process.kill()
        process.wait()


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the process has ended"
    with suppress(OSError), urllib.request.urlopen(f"{address}/openapi.json", timeout=5):  # noqa: S310 - ours
        return True
    return False
