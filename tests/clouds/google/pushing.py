"""Pushes the messages of a subscription as Pub/Sub does: each in an envelope, with a token, again until it is taken.

Source: "Push subscriptions" and "Authentication for push subscriptions", Google Cloud documentation.
"""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Protocol

from tests.clouds.google.held import Held, seconds
from tests.clouds.google.oidc import Signer

_TAKEN: Final = frozenset({102, 200, 201, 202, 204})
_AT_ONCE: Final = 8
_IDLE: Final = 1.0
_LONG: Final = 600
_AGENT: Final = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"


class Subscriptions(Protocol):
    """What a pusher does with messages."""

    def pull(self, held: Held, most: int) -> list[dict[str, Any]]:
        """Take messages."""
        ...

    def acknowledge(self, held: Held, acks: list[str]) -> None:
        """Finish them."""
        ...

    def extend(self, held: Held, acks: list[str], lease: int) -> None:
        """Keep them, or give them back where the lease is 0."""
        ...


class Pusher:
    """Pushes as long as the subscription says where to."""

    def __init__(self, subscriptions: Subscriptions, held: Held, signer: Signer) -> None:
        """Begin, in threads of its own."""
        self._subscriptions = subscriptions
        self._held = held
        self._signer = signer
        self._slots = threading.Semaphore(_AT_ONCE)
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        held = self._held
        while not held.over.is_set():
            held.news.wait(_IDLE)
            held.news.clear()
            while held.push and not held.over.is_set():
                self._slots.acquire()
                # The front ends while it pushes, or the subscription goes: then there is nothing to push.
                got: list[dict[str, Any]] = []
                with suppress(Exception):
                    got = self._subscriptions.pull(held, 1)
                if not got:
                    self._slots.release()
                    break
                self._subscriptions.extend(held, [got[0]["ackId"]], _LONG)
                self._pool.submit(self._deliver, got[0])

    def _deliver(self, received: Mapping[str, Any]) -> None:
        try:
            taken = self._posted(received)
        finally:
            self._slots.release()
        ack = str(received["ackId"])
        if taken:
            self._subscriptions.acknowledge(self._held, [ack])
            self._held.news.set()
            return
        again = threading.Timer(self._backoff(received), self._again, (ack,))
        again.daemon = True
        again.start()

    def _again(self, ack: str) -> None:
        with suppress(Exception):
            self._subscriptions.extend(self._held, [ack], 0)

    def _backoff(self, received: Mapping[str, Any]) -> float:
        attempt = self._held.attempts(str(received["message"]["messageId"]))
        if self._held.dead_topic and attempt >= self._held.most_attempts:
            return 0.0
        policy = self._held.fields.get("retryPolicy")
        if policy is None:
            shortest, longest = 0.1, 60.0
        else:
            shortest = seconds(policy.get("minimumBackoff", "10s"))
            longest = seconds(policy.get("maximumBackoff", "600s"))
        return min(shortest * 2.0 ** max(attempt - 1, 0), longest)

    def _posted(self, received: Mapping[str, Any]) -> bool:
        config = self._held.push
        if not config:
            return False
        where = str(config["pushEndpoint"])
        headers = {"Content-Type": "application/json", "User-Agent": _AGENT}
        if account := config.get("oidcToken"):
            token = self._signer.token(audience=account.get("audience") or where, email=account["serviceAccountEmail"])
            headers["Authorization"] = f"Bearer {token}"
        body = json.dumps(envelope(self._held, received)).encode()
        request = urllib.request.Request(where, body, headers, method="POST")  # noqa: S310 - as the test says
        try:
            with urllib.request.urlopen(request, timeout=max(self._held.lease, 1.0)) as answer:  # noqa: S310
                return answer.status in _TAKEN
        except (urllib.error.URLError, OSError, ValueError):
            return False


def envelope(held: Held, received: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message as it is pushed; Pub/Sub writes some names twice."""
    message = dict(received["message"])
    message["message_id"] = message["messageId"]
    message["publish_time"] = message["publishTime"]
    attempt = {"deliveryAttempt": received["deliveryAttempt"]} if "deliveryAttempt" in received else {}
    return {"message": message, "subscription": held.name, **attempt}
