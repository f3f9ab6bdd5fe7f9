"""Races: the same act by several threads, or by several processes, let go at the same moment."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from typing import Final, TypeVar

from adapters import open_platform
from loopwright.errors import ConflictError
from loopwright.ports import Platform
from loopwright.settings import Settings

Outcome = TypeVar("Outcome")

_PROCESSES: Final = 3
_HEAD_START: Final = 0.05


def threads(count: int, act: Callable[[int], Outcome]) -> list[Outcome]:
    """Return what each of `count` threads got from the act."""
    barrier = threading.Barrier(count)

    def run(number: int) -> Outcome:
        barrier.wait()
        return act(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def processes(count: int, settings: Settings, act: Callable[[Platform, int], Outcome]) -> list[Outcome]:
    """Return what each of `count` processes, with a platform each, got from the act: a module's function."""
    start = time.time() + _HEAD_START
    environment = dict(os.environ)
    runs = [_pool().submit(_in_process, settings, environment, act, number, start) for number in range(count)]
    return [run.result() for run in runs]


@cache
def _pool() -> ProcessPoolExecutor:
    pool = ProcessPoolExecutor(_PROCESSES, multiprocessing.get_context("spawn"))
    # All of them are there before the first race.
    list(pool.map(time.sleep, [0.1] * _PROCESSES))
    return pool


def _in_process(
    settings: Settings,
    environment: Mapping[str, str],
    act: Callable[[Platform, int], Outcome],
    number: int,
    start: float,
) -> Outcome:
    # A world may have set variables after the pool began.
    os.environ.update(environment)
    platform = open_platform(settings)
    time.sleep(max(0.0, start - time.time()))
    try:
        return act(platform, number)
    finally:
        platform.close()


def won(act: Callable[[], object]) -> bool:
    """Return whether the act went through, or lost to somebody who was faster."""
    try:
        act()
    except ConflictError:
        return False
    return True
