"""Events as rows beside the queues that they go into."""

from typing_extensions import override

from adapters.cloudevents import decode, encode, queues_for
from adapters.local.border import translated
from adapters.local.queues import LocalQueue
from loopwright.ports.events import Event, Events, Subscription


class LocalEvents(Events):
    """Events in the queues' own file: an event and its messages are one commit, so each queue gets it exactly once."""

    def __init__(self, queue: LocalQueue, subscriptions: tuple[Subscription, ...]) -> None:
        self._queue = queue
        self._subscriptions = subscriptions

    @override
    def publish(self, event: Event) -> None:
        body = encode(event)
        with self._queue.database.write(f"publish {event.type}") as connection:
            known = connection.execute("INSERT OR IGNORE INTO events (id, body) VALUES (?, ?)", (event.id, body))
            if known.rowcount == 0:
                return
            for queue in queues_for(event, self._subscriptions):
                self._queue.send_within(connection, queue, [body])

    @override
    def recent(self, *, limit: int = 100) -> list[Event]:
        with translated("read events"):
            rows = self._queue.database.connection.execute(
                "SELECT body FROM events ORDER BY seq DESC LIMIT ?", (limit,)
            ).fetchall()
        return [decode(body) for (body,) in rows]
