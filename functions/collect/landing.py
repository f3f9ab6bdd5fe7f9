"""Messages that somebody else has taken out of their queue, into the lake."""

from collections.abc import Sequence
from functools import partial

from functions.batches import Consumer
from functions.problems import log_failure
from loopwright.definitions import Project
from loopwright.errors import ConflictError, UnavailableError
from loopwright.ports import Platform
from loopwright.ports.queues import Message
from loopwright.serving.collecting import QUEUES, land


def consumer(platform: Platform, project: Project) -> Consumer:
    """Return who lands messages of the queues that are collected."""
    return Consumer(QUEUES, partial(land_messages, platform, project))


def land_messages(platform: Platform, project: Project, queue: str, messages: Sequence[Message]) -> Sequence[str]:
    """Land messages of a queue, and return the ids of those that did not land: all of them while the lake is away."""
    try:
        return [message.id for message in land(platform, project, queue, messages).failed]
    except (UnavailableError, ConflictError) as error:
        log_failure(f"collect {len(messages)} messages of {queue}", error)
        return [message.id for message in messages]
