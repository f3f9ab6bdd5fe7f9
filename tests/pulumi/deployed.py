"""A project that is served somewhere: it is called as its callers do, and its stores are looked into."""

import json
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from loopwright.clock import ReplayClock
from loopwright.ports import Platform
from loopwright.registry import Registry

PATIENCE: Final = 120.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back over HTTP."""

    status: int
    body: Any


@dataclass(frozen=True, slots=True)
class Deployed(ABC):
    """What serves a project.

    Attributes:
        platform: its stores, for who looks into them with every permission.
        clock: the file that tells its functions the time.
    """

    platform: Platform
    clock: Path

    @abstractmethod
    def post(self, function: str, path: str, body: object) -> Answered:
        """Ask a function as somebody who may."""

    def asked_by_nobody(self, function: str, path: str, body: object) -> Answered | None:
        """Ask a function without saying who it is; None: this is not asked here."""
        return None

    @abstractmethod
    def due(self, schedule: str) -> None:
        """Let a schedule come round: `collect`, `monitor`, `materialize`; nothing where no schedule does it.

        Raises:
            RuntimeError: what it calls has failed.
        """

    def champion(self) -> int | None:
        """Return the version that answers."""
        platform = self.platform
        return Registry(platform.table, clock=platform.clock, new_id=platform.new_id).routing("rain").champion

    @property
    def now(self) -> float:
        """The moment that the functions take for this one."""
        return ReplayClock(self.clock)()


def sent(request: urllib.request.Request) -> Answered:
    """Send a request to this machine."""
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - ours
            return Answered(answer.status, _read(answer.read()))
    except urllib.error.HTTPError as error:
        with error:
            return Answered(error.code, _read(error.read()))


def asking(url: str, body: object, **headers: str) -> urllib.request.Request:
    """Return a request that posts JSON."""
    given = {"content-type": "application/json", **headers}
    return urllib.request.Request(url, json.dumps(body).encode(), given, method="POST")  # noqa: S310 - ours


def _read(content: bytes) -> Any:
    text = content.decode()
    return json.loads(text) if text.startswith("{") else text


def awaited(look: Callable[[], T | None], *, patience: float = PATIENCE) -> T:
    """Look until there is something.

    Raises:
        TimeoutError: there is nothing to be seen for so long.
    """
    limit = time.monotonic() + patience
    while time.monotonic() < limit:
        if found := look():
            return found
        time.sleep(0.2)
    raise TimeoutError(f"nothing came within {patience:g} seconds")
