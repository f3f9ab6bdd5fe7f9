"""Races: the same act by several threads, or by several processes, let go at the same moment."""

import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import TypeVar

from adapters import open_platform
from loopwright.errors import ConflictError
from loopwright.ports import Platform
from loopwright.settings import Settings

Outcome = TypeVar("Outcome")


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
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(count, context) as pool:
        barrier = manager.Barrier(count)
        runs = [pool.submit(_in_process, settings, act, number, barrier) for number in range(count)]
        return [run.result() for run in runs]


def _in_process(settings: Settings, act: Callable[[Platform, int], Outcome], number: int, barrier: Barrier) -> Outcome:
    platform = open_platform(settings)
    barrier.wait()
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
