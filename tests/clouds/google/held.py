"""What the front knows of one subscription of Pub/Sub that Google's emulator does not do, or does not tell."""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.clouds.google.filters import Filter, parsed

OURS: Final = ("deadLetterPolicy", "filter", "messageRetentionDuration", "pushConfig", "retryPolicy")
"""The fields that the front sees to itself."""

_LONGEST_KEPT: Final = 31 * 86_400.0
_SHORTEST_KEPT: Final = 600.0
_FEWEST_ATTEMPTS: Final = 5
_MOST_ATTEMPTS: Final = 100


@dataclass(frozen=True, slots=True)
class Hand:
    """A message in somebody's hand; `until` when."""

    message: Mapping[str, Any]
    attempt: int
    until: float


@dataclass
class Held:
    """A subscription.

    Attributes:
        name: `projects/…/subscriptions/…`.
        topic: `projects/…/topics/…`.
        fields: those of `OURS`, as they were asked for.
        lease: seconds for which a message is in hand when nobody says otherwise.
        undelivered: how often each message that was not acknowledged was delivered.
        news: set when a message may be ready.
    """

    name: str
    topic: str
    fields: dict[str, Any]
    lease: float
    undelivered: dict[str, int] = field(default_factory=dict)
    news: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _hands: dict[str, Hand] = field(default_factory=dict)
    _newest: dict[str, str] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Read the fields.

        Raises:
            ValueError: Google would refuse them.
        """
        self.wants: Filter = parsed(self.fields.get("filter", ""))
        kept = seconds(self.fields.get("messageRetentionDuration", "604800s"))
        if not _SHORTEST_KEPT <= kept <= _LONGEST_KEPT:
            raise ValueError(f"messageRetentionDuration of {kept:.0f} s: 10 minutes to 31 days")
        if self.dead_topic and not _FEWEST_ATTEMPTS <= self.most_attempts <= _MOST_ATTEMPTS:
            raise ValueError(f"maxDeliveryAttempts of {self.most_attempts}: {_FEWEST_ATTEMPTS} to {_MOST_ATTEMPTS}")
        if self.push.get("noWrapper"):
            raise ValueError("pushConfig.noWrapper: the Pub/Sub of this machine only pushes envelopes")

    @property
    def dead_topic(self) -> str:
        """Where dead messages go; empty: nowhere."""
        return str(self.fields.get("deadLetterPolicy", {}).get("deadLetterTopic", ""))

    @property
    def most_attempts(self) -> int:
        """How often a message is delivered before it is dead."""
        return int(self.fields.get("deadLetterPolicy", {}).get("maxDeliveryAttempts") or _FEWEST_ATTEMPTS)

    @property
    def push(self) -> Mapping[str, Any]:
        """Where messages are pushed, and as whom."""
        found: dict[str, Any] = self.fields.get("pushConfig") or {}
        return found if found.get("pushEndpoint") else {}

    def told(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return the emulator's answer about this subscription, as Google would give it."""
        state = {"messageRetentionDuration": "604800s", "pushConfig": {}, "state": "ACTIVE"}
        return {**answer, **state, **self.fields}

    def published(self, identities: Sequence[str], messages: Sequence[Mapping[str, Any]]) -> None:
        """Note what came to the topic."""
        with self.lock:
            for identity, message in zip(identities, messages, strict=True):
                if self.wants(message.get("attributes", {})) and identity not in self._done:
                    self.undelivered.setdefault(identity, 0)
        self.news.set()

    def attempts(self, identity: str) -> int:
        """Return how often a message was delivered before."""
        with self.lock:
            return self.undelivered.get(identity, 0)

    def delivered(self, ack: str, message: Mapping[str, Any]) -> int:
        """Note a delivery, and return the how manieth it is."""
        identity = str(message["messageId"])
        with self.lock:
            attempt = self.undelivered.get(identity, 0) + 1
            self.undelivered[identity] = attempt
            self._hands[ack] = Hand(message, attempt, time.monotonic() + self.lease)
            self._newest[identity] = ack
        return attempt

    def in_hand(self, ack: str) -> Hand | None:
        """Return the message that an acknowledgement is about, or None if it is in that hand no longer."""
        with self.lock:
            hand = self._hands.get(ack)
            if hand is None or hand.until <= time.monotonic():
                return None
            return hand if self._newest.get(str(hand.message["messageId"])) == ack else None

    def acknowledged(self, ack: str) -> None:
        """Note that a message is done."""
        with self.lock:
            hand = self.in_hand(ack)
            if hand:
                self.finished(str(hand.message["messageId"]))

    def finished(self, identity: str) -> None:
        """Forget a message."""
        with self.lock:
            self.undelivered.pop(identity, None)
            self._hands.pop(self._newest.pop(identity, ""), None)
            self._done.add(identity)

    def extended(self, ack: str, lease: float) -> None:
        """Note until when a message is in hand."""
        with self.lock:
            hand = self.in_hand(ack)
            if hand:
                self._hands[ack] = Hand(hand.message, hand.attempt, time.monotonic() + lease)


def seconds(duration: object) -> float:
    """Return the seconds of a duration in Google's form, such as `1.5s`."""
    text = str(duration)
    if not text.endswith("s"):
        raise ValueError(f"{text!r} is no duration: write it like 600s")
    return float(text[:-1])
