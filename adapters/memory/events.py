"""Events in a list, and into the queues that subscribe to them."""

import threading

from typing_extensions import override

from adapters.cloudevents import encode, queues_for
from loopwright.ports.events import Event, Events, Subscription
from loopwright.ports.queues import Queue


class MemoryEvents(Events):
    """Events in a list, for tests and as the reference."""

    def __init__(self, queue: Queue, subscriptions: tuple[Subscription, ...]) -> None:
        self._queue = queue
        self._subscriptions = subscriptions
        self._events: dict[str, Event] = {}
        self._lock = threading.Lock()

    @override
    def publish(self, event: Event) -> None:
        body = encode(event)
        with self._lock:
            if event.id in self._events:
                return
            for queue in queues_for(event, self._subscriptions):
                self._queue.send(queue, [body])
            self._events[event.id] = event

    @override
    def recent(self, *, limit: int = 100) -> list[Event]:
        with self._lock:
            return list(reversed(self._events.values()))[:limit]
