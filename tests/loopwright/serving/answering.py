"""What tests of answers need: a champion, and what was logged."""

from collections.abc import Iterable

from loopwright.ports import Platform
from loopwright.serving.log import Entry, decode
from tests.airport import world


def logged(platform: Platform) -> list[Entry]:
    return [decode(message.body) for message in platform.queue.receive("predictions", limit=100)]


def column(entries: Iterable[Entry], name: str) -> list[object]:
    return [value for entry in entries for value in entry.columns[name].tolist()]


def champion(platform: Platform, *, level: float = 0.5) -> int:
    version = world.register(platform, level=level)
    world.crown(platform, version)
    return version
