"""Platforms of which a part does not answer, for as long as `broken` is set."""

from dataclasses import replace

from loopwright.errors import UnavailableError
from loopwright.ports import Lake, Platform, Queue


class Switch:
    """Whether the disk is full."""

    def __init__(self) -> None:
        self.broken = True

    def check(self) -> None:
        if self.broken:
            raise UnavailableError("the disk is full")


class FullLake:
    """A lake that takes nothing."""

    def __init__(self, lake: Lake, switch: Switch) -> None:
        self._lake = lake
        self._switch = switch

    def __getattr__(self, name: str) -> object:
        return getattr(self._lake, name)

    def append(self, *arguments: object, **options: object) -> int:
        self._switch.check()
        return self._lake.append(*arguments, **options)


class FullQueue:
    """A queue that takes nothing."""

    def __init__(self, queue: Queue, switch: Switch) -> None:
        self._queue = queue
        self._switch = switch

    def __getattr__(self, name: str) -> object:
        return getattr(self._queue, name)

    def send(self, *arguments: object) -> None:
        self._switch.check()
        self._queue.send(*arguments)


class Faulty:
    """A platform with a lake or a queue of another kind."""

    def __init__(self, platform: Platform, *, lake: FullLake | None = None, queue: FullQueue | None = None) -> None:
        self._platform = platform
        self._lake = lake
        self._queue = queue

    def __getattr__(self, name: str) -> object:
        return getattr(self._platform, name)

    @property
    def lake(self) -> object:
        return self._lake or self._platform.lake

    @property
    def queue(self) -> object:
        return self._queue or self._platform.queue


class CountsLate:
    """A platform that cannot tell how many messages are in hand, and counts late."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.capabilities = replace(platform.capabilities, counts_in_flight=False)

    def __getattr__(self, name: str) -> object:
        return getattr(self._platform, name)
