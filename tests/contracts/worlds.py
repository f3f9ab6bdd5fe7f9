"""One world a provider: a throwaway place for a platform, and a clock that the test sets."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from loopwright.clock import ReplayClock
from loopwright.ports.events import Subscription
from loopwright.settings import Provider, Settings
from tests.clouds.aws import moto, throwaway
from tests.clouds.ministack import ministack
from tests.clouds.tools import MissingToolError

DAWN: Final = 1_356_998_400.0
"""The moment at which every world begins: 2013-01-01T00:00:00Z."""

SUBSCRIPTIONS: Final = (
    Subscription("loopwright.drift.", "alarms"),
    Subscription("loopwright.", "everything"),
    Subscription("loopwright.drift.detected", "alarms"),
)


@contextmanager
def _place(provider: Provider) -> Iterator[Settings]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        clock_file = place / "clock"
        ReplayClock(clock_file).set(DAWN)
        yield Settings(provider, place / "home", place, clock_file, SUBSCRIPTIONS)


@contextmanager
def _memory() -> Iterator[Settings]:
    with _place("memory") as settings:
        yield settings


@contextmanager
def _local() -> Iterator[Settings]:
    with _place("local") as settings:
        yield settings


@contextmanager
def _moto() -> Iterator[Settings]:
    with _place("aws") as settings, throwaway(moto(), SUBSCRIPTIONS) as aws:
        yield replace(settings, aws=aws)


@contextmanager
def _ministack() -> Iterator[Settings]:
    try:
        endpoint = ministack()
    except MissingToolError as error:
        pytest.skip(f"ministack is not to be had: {error}")
    with _place("aws") as settings, throwaway(endpoint, SUBSCRIPTIONS) as aws:
        yield replace(settings, aws=aws)


World = Callable[[], AbstractContextManager[Settings]]

WORLDS: Final[dict[str, World]] = {"memory": _memory, "local": _local, "moto": _moto, "ministack": _ministack}
"""Every contract runs over every world, through the real `open_platform`."""
