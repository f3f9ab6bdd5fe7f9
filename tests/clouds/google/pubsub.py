"""Pub/Sub: Google's emulator, and what it lacks.

Filters are obeyed: a message that does not match is acknowledged, and nobody gets it. Push is done here, with a token.
Dead letters are counted here, for pulled and pushed subscriptions alike, so that what is undelivered can be told to
Monitoring; on a pulled subscription a message is found dead when it is given back the last time, or by whoever would
take it once more. What nobody needs yet, such as `seek`, is refused.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.clouds.google.emulator import Emulator
from tests.clouds.google.front import Answer, Request, Service, refused, told
from tests.clouds.google.held import OURS, Held
from tests.clouds.google.oidc import Signer
from tests.clouds.google.policies import Policies
from tests.clouds.google.pushing import Pusher

_PATH: Final = re.compile(r"/v1/(projects/[^/]+/(topics|subscriptions|snapshots)(?:/([^/:]+))?(?:/[a-z]+)?)(?::(\w+))?")
_OK: Final = 200
_KEPT: Final = "604800s"
"""The longest for which the emulator keeps a message; Google's own limit is 31 days."""

_running: dict[Path, "PubSub"] = {}


class PubSub(Service):
    """All topics and subscriptions."""

    def __init__(self, folder: Path) -> None:
        self._emulator = Emulator(folder)
        self._signer = Signer(folder)
        self._held: dict[str, Held] = {}
        self._policies = Policies()

    def takes(self, request: Request) -> bool:
        return _PATH.fullmatch(request.path) is not None

    def answer(self, request: Request) -> Answer:
        found = _PATH.fullmatch(request.path)
        if found is None:
            return refused(404, "NOT_FOUND", request.path)
        name, kind, identity, verb = found.groups()
        if verb and verb.endswith(("IamPolicy", "IamPermissions")):
            exists = self._emulator.send("GET", f"/v1/{name}")
            return self._policies.answer(name, verb, request) if exists.status == _OK else _passed(exists)
        try:
            if kind == "topics":
                return self._topic(request, name, verb)
            if kind == "subscriptions":
                return self._subscription(request, name, verb) if identity else self._list(request)
        except ValueError as error:
            return refused(400, "INVALID_ARGUMENT", str(error))
        return refused(501, "UNIMPLEMENTED", f"{kind} are not here")

    def close(self) -> None:
        for held in self._held.values():
            held.over.set()
            held.news.set()
        self._emulator.close()

    def undelivered(self) -> dict[str, int]:
        """Return how many messages of each subscription were not acknowledged, by the subscription's whole name."""
        return {name: len(held.undelivered) for name, held in tuple(self._held.items())}

    def pull(self, held: Held, most: int) -> list[dict[str, Any]]:
        """Take messages that match."""
        got: list[dict[str, Any]] = []
        while len(got) < most:
            asked = {"maxMessages": most - len(got), "returnImmediately": True}
            some = self._emulator.call("POST", f"/v1/{held.name}:pull", asked).get("receivedMessages", [])
            alive = [one for one in some if not self._buried(held, one)]
            for one in alive:
                one.pop("deliveryAttempt", None)
                attempt = held.delivered(one["ackId"], one["message"])
                got.append({**one, "deliveryAttempt": attempt} if held.dead_topic else one)
            if not some or len(alive) == len(some):
                break
        return got

    def acknowledge(self, held: Held, acks: list[str]) -> None:
        """Finish messages."""
        self._emulator.call("POST", f"/v1/{held.name}:acknowledge", {"ackIds": acks})
        for ack in acks:
            held.acknowledged(ack)

    def extend(self, held: Held, acks: list[str], lease: int) -> None:
        """Keep messages in hand for so long from now on, or give them back: 0."""
        worn = [] if lease else [ack for ack in acks if self._worn_out(held, ack)]
        rest = [ack for ack in acks if ack not in worn]
        if rest:
            body = {"ackIds": rest, "ackDeadlineSeconds": lease}
            self._emulator.call("POST", f"/v1/{held.name}:modifyAckDeadline", body)
        for ack in rest:
            held.extended(ack, lease)
        held.news.set()

    def publish(self, topic: str, messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Publish messages, and note them."""
        return self._noted(topic, messages, self._emulator.call("POST", f"/v1/{topic}:publish", {"messages": messages}))

    def _noted(self, topic: str, messages: Sequence[Mapping[str, Any]], answer: dict[str, Any]) -> dict[str, Any]:
        for held in tuple(self._held.values()):
            if held.topic == topic:
                held.published(answer["messageIds"], messages)
        return answer

    def _buried(self, held: Held, received: Mapping[str, Any]) -> bool:
        """Return whether nobody gets this message, after it was acknowledged: it does not match, or is dead."""
        message = received["message"]
        identity = str(message["messageId"])
        if held.wants(message.get("attributes", {})):
            attempts = held.attempts(identity)
            if not held.dead_topic or attempts < held.most_attempts:
                return False
            self._bury(held, message, attempts)
        self._emulator.call("POST", f"/v1/{held.name}:acknowledge", {"ackIds": [received["ackId"]]})
        held.finished(identity)
        return True

    def _worn_out(self, held: Held, ack: str) -> bool:
        """Return whether a message that is given back is dead by that, after it was put to the dead letters."""
        hand = held.in_hand(ack)
        if hand is None or not held.dead_topic or hand.attempt < held.most_attempts:
            return False
        self._bury(held, hand.message, hand.attempt)
        self.acknowledge(held, [ack])
        return True

    def _bury(self, held: Held, message: Mapping[str, Any], attempts: int) -> None:
        _, project, _, name = held.name.split("/")
        why = {
            "CloudPubSubDeadLetterSourceDeliveryCount": str(attempts),
            "CloudPubSubDeadLetterSourceSubscription": name,
            "CloudPubSubDeadLetterSourceSubscriptionProject": project,
            "CloudPubSubDeadLetterSourceTopicPublishTime": message["publishTime"],
        }
        letter = {"data": message.get("data", ""), "attributes": {**message.get("attributes", {}), **why}}
        self.publish(held.dead_topic, [letter])

    def _topic(self, request: Request, name: str, verb: str | None) -> Answer:
        reply = self._emulator.send(request.method, request.target, request.body)
        if verb == "publish" and reply.status == _OK:
            self._noted(name, request.json()["messages"], json.loads(reply.body))
        return _passed(reply)

    def _list(self, request: Request) -> Answer:
        reply = self._emulator.send("GET", request.target)
        if reply.status != _OK:
            return _passed(reply)
        answer = json.loads(reply.body or b"{}")
        found = [self._restored(one) for one in answer.get("subscriptions", ())]
        return told({**answer, "subscriptions": found})

    def _subscription(self, request: Request, name: str, verb: str | None) -> Answer:
        held = self._held.get(name)
        match request.method, verb:
            case "PUT", None:
                return self._create(request, name)
            case "PATCH", None if held:
                return self._update(request, held)
            case "DELETE", None:
                return self._delete(request, name)
            case "GET", None:
                reply = self._emulator.send("GET", request.target)
                return told(self._restored(json.loads(reply.body))) if reply.status == _OK else _passed(reply)
            case "POST", "modifyPushConfig" if held:
                return self._change(held, {"pushConfig": request.json().get("pushConfig", {})})
            case "POST", "pull" | "acknowledge" | "modifyAckDeadline" if held:
                return self._consume(request, held, str(verb))
            case _ if held is None:
                return refused(404, "NOT_FOUND", f"Subscription does not exist (resource={name.rpartition('/')[2]}).")
            case _:
                return refused(501, "UNIMPLEMENTED", f"{request.method} {request.path} is not here")

    def _consume(self, request: Request, held: Held, verb: str) -> Answer:
        body = request.json()
        if verb == "pull":
            if held.push:
                return refused(400, "FAILED_PRECONDITION", f"{held.name} is pushed: it cannot be pulled")
            reply = self._emulator.send("GET", f"/v1/{held.name}")
            if reply.status != _OK:
                return _passed(reply)
            return told({"receivedMessages": got} if (got := self.pull(held, int(body["maxMessages"]))) else {})
        acks = [str(ack) for ack in body.get("ackIds", ())]
        lease = int(body.get("ackDeadlineSeconds", 0))
        if wrong := _refused_acks(held, acks, lease):
            return refused(400, "INVALID_ARGUMENT", wrong)
        if verb == "acknowledge":
            self.acknowledge(held, acks)
        else:
            self.extend(held, acks, lease)
        return told({})

    def _create(self, request: Request, name: str) -> Answer:
        body = request.json()
        fields = {key: body[key] for key in OURS if body.get(key)}
        held = Held(name, str(body.get("topic", "")), fields, float(body.get("ackDeadlineSeconds") or 10))
        if held.dead_topic:
            dead = self._emulator.send("GET", f"/v1/{held.dead_topic}")
            if dead.status != _OK:
                return _passed(dead)
        theirs = {key: value for key, value in body.items() if key not in OURS}
        asked = json.dumps({**theirs, "messageRetentionDuration": _KEPT}).encode()
        reply = self._emulator.send("PUT", request.target, asked)
        if reply.status != _OK:
            return _passed(reply)
        self._held[name] = held
        if held.push:
            Pusher(self, held, self._signer)
        return told(held.told(json.loads(reply.body)))

    def _update(self, request: Request, held: Held) -> Answer:
        body = request.json()
        wanted, given = body.get("subscription", {}), str(body.get("updateMask", ""))
        mask = [_camel(part.partition(".")[0]) for part in given.split(",") if part]
        if {"filter", "topic", "name"} & set(mask) or not mask:
            raise ValueError(f"updateMask {given!r}: the filter and the topic of a subscription stay as they are")
        theirs = [part for part in mask if part not in OURS]
        if theirs:
            asked = {"subscription": {key: wanted[key] for key in ("name", *theirs) if key in wanted}}
            sent = json.dumps({**asked, "updateMask": ",".join(theirs)}).encode()
            reply = self._emulator.send("PATCH", request.target, sent)
            if reply.status != _OK:
                return _passed(reply)
            held.lease = float(wanted.get("ackDeadlineSeconds") or held.lease)
        return self._change(held, {key: wanted.get(key) for key in mask if key in OURS})

    def _change(self, held: Held, changes: Mapping[str, Any]) -> Answer:
        fields = {key: value for key, value in {**held.fields, **changes}.items() if value}
        Held(held.name, held.topic, fields, held.lease)  # checked before anything is changed
        pushed = bool(held.push)
        held.fields = fields
        if held.push and not pushed:
            Pusher(self, held, self._signer)
        held.news.set()
        return told(held.told(self._emulator.call("GET", f"/v1/{held.name}")))

    def _delete(self, request: Request, name: str) -> Answer:
        reply = self._emulator.send("DELETE", request.target)
        gone = self._held.pop(name, None) if reply.status == _OK else None
        if gone:
            gone.over.set()
            gone.news.set()
        return _passed(reply)

    def _restored(self, answer: dict[str, Any]) -> dict[str, Any]:
        held = self._held.get(answer["name"])
        return held.told(answer) if held else answer


def running(folder: Path) -> PubSub | None:
    """Return the one that was started in a folder, for the services beside it."""
    return _running.get(folder)


def start(folder: Path) -> Service:
    """Start the emulator, and return the service before it."""
    _running[folder] = PubSub(folder)
    return _running[folder]


def _refused_acks(held: Held, acks: Sequence[str], lease: int) -> str:
    """Return why Google would refuse these; the emulator would, too."""
    if not acks:
        return "No ack ids specified"
    if not 0 <= lease <= 600:
        return f"ackDeadlineSeconds of {lease}: 0 to 600"
    wrong = [ack for ack in acks if not re.fullmatch(rf"{re.escape(held.name)}:\d+", ack)]
    return f"Invalid ack id (ack_id={wrong[0]})" if wrong else ""


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _passed(reply: Any) -> Answer:  # noqa: ANN401
    return Answer(reply.status, reply.body, {"Content-Type": "application/json"})
