"""Events about versions and runs, from the `mirror` queue."""

from collections.abc import Sequence
from functools import partial

from adapters import cloudevents
from functions.batches import Consumer
from functions.problems import log_failure
from loopwright.errors import InvalidInputError
from loopwright.mirroring import Mirroring
from loopwright.ports import Platform
from loopwright.ports.queues import Message
from loopwright.settings import MIRROR_QUEUE


def consumer(platform: Platform) -> Consumer:
    """Return who tells the platform's mirror; where there is none, the messages are done."""
    return Consumer((MIRROR_QUEUE,), lambda _, messages: hear_messages(platform, messages))


def hear_messages(platform: Platform, messages: Sequence[Message]) -> Sequence[str]:
    """Tell the mirror what the events are about, and return the ids of those of which it could not be told now.

    What is no event about versions or runs is dropped, and counted.
    """
    mirror = platform.mirror
    if mirror is None:
        return []
    hear = partial(_hear, platform, Mirroring(platform, mirror))
    return [message.id for message in messages if not hear(message)]


def _hear(platform: Platform, mirroring: Mirroring, message: Message) -> bool:
    try:
        mirroring.hear(cloudevents.decode(message.body))
    except InvalidInputError:
        platform.telemetry.count("mirror_dropped")
    except Exception as error:  # noqa: BLE001 - whatever it is, the other messages are told
        log_failure(f"tell the mirror of message {message.id}", error)
        return False
    return True
