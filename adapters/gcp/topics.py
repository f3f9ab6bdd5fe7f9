"""The topics and subscriptions of queues: what they are called, what hangs on what, and how they are made.

    <queues>-<queue>          topic, and a subscription to it of the same name
    <queues>-<queue>-dead     topic of its dead letters, and a subscription to it of the same name
    <queues>-events           topic of events

The subscription of a queue that events feed hangs on the topic of events instead, and has a filter. What is sent to
such a queue is published there with the attribute `queue`, which no event has.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from adapters.gcp.api import Api
from adapters.gcp.place import GcpPlace
from adapters.gcp.replies import ServiceError, translation
from adapters.queue_names import dead_name, queue_name
from adapters.rules import MAX_ATTEMPTS
from loopwright.errors import DefinitionError, DeniedError, UnavailableError
from loopwright.ports.events import Subscription

TYPE: Final = "ce-type"
"""The attribute that has an event's type."""

_QUEUE: Final = "queue"
_EVENTS: Final = "events"
_NAME_LIMIT: Final = 255
_FILTER_LIMIT: Final = 256
_LEASE: Final = 60
"""Seconds for which a message is in hand until whoever took it says for how long he wants it."""

_KEPT: Final = "1209600s"
_EXISTS: Final = "ALREADY_EXISTS"
_MISSING: Final = "NOT_FOUND"


class Topics:
    """The topics of one place."""

    def __init__(self, api: Api, place: GcpPlace, subscriptions: Sequence[Subscription]) -> None:
        self._api = api
        self._place = place
        self._subscriptions = subscriptions
        self._known: set[str] = set()

    def name(self, queue: str) -> str:
        """Return what the queue's subscription is called, and its topic if events do not feed it."""
        return queue_name(self._place.queues, queue, limit=_NAME_LIMIT, reserved={_EVENTS})

    def topic(self, queue: str) -> str:
        """Return what the topic is called to which messages for the queue are published."""
        return events_topic(self._place) if self._prefixes(queue) else self.name(queue)

    def attributes(self, queue: str) -> dict[str, str]:
        """Return what a message for the queue must have, so that no other queue gets it."""
        return {_QUEUE: queue} if self._prefixes(queue) else {}

    def ready(self, queue: str) -> None:
        """Make the queue if it is not there; this is looked at once.

        A message to a topic to which nothing is subscribed yet would be lost.

        Raises:
            DeniedError: it is not there, and this process may not make it.
            UnavailableError: not now; or something else has its name.
        """
        name = self.name(queue)
        if name in self._known:
            return
        try:
            found = self._api.call("GET", self._path("subscriptions", name))
        except ServiceError as error:
            if error.code == _MISSING:
                self.make(queue)
                return
            reason = translation(error, f"look for the queue {queue} ({name})")
            # Who may publish and nothing else is not told, and relies on the stack.
            if not isinstance(reason, DeniedError):
                raise reason from error
        else:
            self._check(queue, found)
        self._known.add(name)

    def make(self, queue: str) -> None:
        """Make what is not there of the queue; errors are those of `ready`."""
        name, topic = self.name(queue), self.topic(queue)
        dead = dead_name(name)
        try:
            for each in (dead, topic):
                self._put("topics", each, {})
            self._put("subscriptions", dead, self._subscription(dead))
            policy = {"deadLetterTopic": self._resource("topics", dead), "maxDeliveryAttempts": MAX_ATTEMPTS}
            wanted = {**self._subscription(topic), "deadLetterPolicy": policy}
            if prefixes := self._prefixes(queue):
                wanted["filter"] = filter_of(queue, prefixes)
            if not self._put("subscriptions", name, wanted):
                self._check(queue, self._api.call("GET", self._path("subscriptions", name)))
        except ServiceError as error:
            reason = translation(error, f"make the queue {queue} ({name})")
            if isinstance(reason, DeniedError):
                reason = DeniedError(f"there is no queue {queue} ({name}), and only the stack may make one: {error}")
            raise reason from error
        self._known.add(name)

    def forget(self, queue: str) -> None:
        """Look anew before the next message: somebody has removed the queue."""
        self._known.discard(self.name(queue))

    def _prefixes(self, queue: str) -> list[str]:
        return [each.prefix for each in self._subscriptions if each.queue == queue]

    def _subscription(self, topic: str) -> dict[str, Any]:
        return {
            "topic": self._resource("topics", topic),
            "ackDeadlineSeconds": _LEASE,
            "messageRetentionDuration": _KEPT,
            "expirationPolicy": {},
        }

    def _check(self, queue: str, found: Mapping[str, Any]) -> None:
        wanted = self._resource("topics", self.topic(queue))
        if found["topic"] != wanted:
            raise UnavailableError(
                f"could not send to the queue {queue}: {found['name']} hangs on {found['topic']}, and not on {wanted}:"
                " delete it, and the next message makes it anew"
            )

    def _put(self, kind: str, name: str, body: Mapping[str, object]) -> bool:
        """Make something, and return whether it was not there."""
        try:
            self._api.call("PUT", self._path(kind, name), body)
        except ServiceError as error:
            if error.code != _EXISTS:
                raise
            return False
        return True

    def _path(self, kind: str, name: str) -> str:
        return f"/v1/{self._resource(kind, name)}"

    def _resource(self, kind: str, name: str) -> str:
        return f"projects/{self._place.project}/{kind}/{name}"


def events_topic(place: GcpPlace) -> str:
    """Return what the topic of events is called."""
    return f"{place.queues}-{_EVENTS}"


def filter_of(queue: str, prefixes: Sequence[str]) -> str:
    """Return the filter of a queue that events feed whose type begins in one of these ways.

    Raises:
        DefinitionError: it is longer than Pub/Sub takes.
    """
    wanted = [each for each in dict.fromkeys(prefixes) if not any(_covers(other, each) for other in prefixes)]
    conditions = [f"attributes.{_QUEUE} = {_text(queue)}"]
    conditions += [f'hasPrefix(attributes."{TYPE}", {_text(prefix)})' for prefix in wanted]
    text = " OR ".join(conditions)
    if len(text.encode()) > _FILTER_LIMIT:
        raise DefinitionError(
            f"queue {queue}: the filter of its subscription has {len(text.encode())} bytes, and {_FILTER_LIMIT} is the"
            " most: subscribe to fewer or shorter prefixes"
        )
    return text


def _covers(shorter: str, prefix: str) -> bool:
    return shorter != prefix and prefix.startswith(shorter)


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()
