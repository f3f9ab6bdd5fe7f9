"""Queues that call functions.

Messages that are handed over as they come are pushed by Pub/Sub. It cannot wait until a batch has come together; where
batches are wanted, because each is a commit in the lake, the function is called by the clock and empties its queues.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Final

import pulumi
from pulumi import Output

from infra.gcp.callers import Callers, audience
from infra.gcp.messaging import Messaging, Push
from infra.gcp.place import Place
from infra.gcp.schedules import cron, scheduled
from infra.gcp.services import Service
from infra.spec import FunctionSpec, QueueSpec

MESSAGES: Final = "/messages"
COLLECT: Final = "/due/collect"
_SHORTEST: Final = timedelta(minutes=1)


class Feeds(pulumi.ComponentResource):
    """What calls functions about their queues."""

    def __init__(
        self,
        place: Place,
        queues: Iterable[QueueSpec],
        services: Iterable[Service],
        *,
        messaging: Messaging,
        callers: Callers,
    ) -> None:
        super().__init__("loopwright:gcp:Feeds", place.named("feeds"))
        known: Mapping[str, QueueSpec] = {one.name: one for one in queues}
        for service in services:
            name, feeds = service.spec.name, service.spec.feeds
            for feed in feeds:
                if not feed.wait:
                    endpoint = Output.concat(service.url, MESSAGES)
                    push = Push(endpoint, callers.email, audience(place, name))
                    messaging.subscribe(known[feed.queue], self, push)
            waits = [feed.wait for feed in feeds if feed.wait]
            if waits:
                pace = cron(max(min(waits), _SHORTEST))
                scheduled(place, name, pace, service=service, path=COLLECT, callers=callers, attempts=0, parent=self)
        self.register_outputs({})


def pushed(functions: Iterable[FunctionSpec]) -> Collection[str]:
    """Return the queues whose messages are handed over as they come."""
    return {feed.queue for one in functions for feed in one.feeds if not feed.wait}
