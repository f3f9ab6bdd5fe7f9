"""Messages of queues, handed over by whoever delivers them: Lambda in batches, a push one by one."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from loopwright.errors import InvalidInputError
from loopwright.ports.queues import Message
from loopwright.serving.log import FEATURES_QUEUE, LABELS_QUEUE, PREDICTIONS_QUEUE
from loopwright.settings import MIRROR_QUEUE, TRIGGERS_QUEUE

_KNOWN: Final = frozenset({PREDICTIONS_QUEUE, LABELS_QUEUE, FEATURES_QUEUE, TRIGGERS_QUEUE, MIRROR_QUEUE})
_PARTS: Final = re.compile(r"[-_.:]")

Take = Callable[[str, Sequence[Message]], Sequence[str]]
"""Takes messages of a queue and returns the ids of those that have to come back; the others are done."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who takes the messages of some queues. They are delivered at least once, so taking one again changes nothing."""

    queues: tuple[str, ...]
    take: Take

    def queue_of(self, *names: str) -> str:
        """Return which of its queues is meant by a provider's names, such as `shop-prod-predictions-3f2a`.

        The first name that speaks of a queue of ours counts. Where none does, as in names that a service has made up,
        it is the only queue that is taken here.

        Raises:
            InvalidInputError: another queue is meant, or none of several.
        """
        queue = next(filter(None, map(_named, names)), "")
        if queue in self.queues:
            return queue
        if not queue and len(self.queues) == 1:
            return self.queues[0]
        told = " of ".join(filter(None, names)) or "what has no name"
        raise InvalidInputError(f"{told} is no queue to take from here: name one of {', '.join(self.queues)}")


def _named(name: str) -> str:
    """Return the queue of ours that a name speaks of, or nothing.

    The queue is a part of the name, the last that is one: what comes before is the stack's to choose.
    """
    return next((part for part in reversed(_PARTS.split(name)) if part in _KNOWN), "")
