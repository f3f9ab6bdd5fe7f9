"""How the depth of a queue is compared with what it should be."""

from loopwright.ports import Platform
from loopwright.ports.queues import Depth


class Depths:
    """The depths of a platform's queues; where it cannot tell ready messages from those in hand, their sum."""

    def __init__(self, platform: Platform) -> None:
        self._queue = platform.queue
        self._exact = platform.capabilities.counts_in_flight

    def are(self, queue: str, wanted: Depth) -> None:
        """Fail unless the queue's depth is this."""
        found = self._queue.depth(queue)
        if self._exact:
            assert found == wanted
        else:
            assert (found.ready, found.in_flight, found.dead) == (wanted.ready + wanted.in_flight, 0, wanted.dead)
