"""One world a provider: a throwaway place for a platform, and a clock that the test sets."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pytest

from adapters import Provider
from loopwright.clock import ReplayClock
from loopwright.ports.events import Subscription
from loopwright.settings import Settings
from tests.clouds.aws import LIVE, moto, throwaway
from tests.clouds.google.throwaway import throwaway as google_throwaway
from tests.clouds.google.world import SERVICES, google
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
        yield replace(settings, place=aws.to_env())


@contextmanager
def _ministack() -> Iterator[Settings]:
    try:
        endpoint = ministack()
    except MissingToolError as error:
        pytest.skip(f"ministack is not to be had: {error}")
    with _place("aws") as settings, throwaway(endpoint, SUBSCRIPTIONS) as aws:
        yield replace(settings, place=aws.to_env())


@contextmanager
def _google() -> Iterator[Settings]:
    try:
        endpoint = google(*SERVICES)
    except MissingToolError as error:
        pytest.skip(f"Google is not to be had: {error}")
    with _place("gcp") as settings, google_throwaway(endpoint, SUBSCRIPTIONS) as gcp:
        yield replace(settings, place=gcp.to_env())


@contextmanager
def _account() -> Iterator[Settings]:
    with _place("aws") as settings, throwaway("", SUBSCRIPTIONS) as aws:
        yield replace(settings, place=aws.to_env())


@dataclass(frozen=True, slots=True)
class Pace:
    """How much a world is asked to do where the quantity is not what is tested: some emulators are slow.

    Attributes:
        messages: in a queue at once.
        items: in a table at once; more than a page of any provider's.
        examples: which part of the histories is played.
    """

    messages: int = 2_500
    items: int = 600
    examples: float = 1.0


_PACES: Final = {
    "moto": Pace(messages=60, items=270, examples=0.2),
    "ministack": Pace(messages=60, items=270, examples=0.2),
    "google": Pace(messages=60, items=270, examples=0.2),
    "account": Pace(messages=60, items=270, examples=0.2),
}


def pace_of(world: str) -> Pace:
    """Return how much a world is asked to do."""
    return _PACES.get(world, Pace())


World = Callable[[], AbstractContextManager[Settings]]

WORLDS: Final[dict[str, World]] = {
    "memory": _memory,
    "local": _local,
    "moto": _moto,
    "ministack": _ministack,
    "google": _google,
}
"""Every contract runs over every world, through the real `open_platform`."""

if LIVE:
    WORLDS["account"] = _account
