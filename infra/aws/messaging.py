"""Queues with their dead letters, the bus, and the rules that take events into queues."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from infra.aws.place import Place
from infra.aws.policies import Statement, document, tls_only
from infra.spec import FAILURES, QueueSpec, RuleSpec

MAX_ATTEMPTS: Final = 5
_TWO_WEEKS: Final = 14 * 86_400
_EVENT_LEASE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class QueuePair:
    """A queue, and where what it could not deliver goes."""

    alive: aws.sqs.Queue
    dead: aws.sqs.Queue


class Messaging(pulumi.ComponentResource):
    """All queues and the bus.

    Attributes:
        queues: by the short name of each.
        failures: asynchronous calls, schedules and events that could not be delivered, for people to look at.
        bus: where events are published.
    """

    queues: Mapping[str, QueuePair]
    failures: aws.sqs.Queue
    bus: aws.cloudwatch.EventBus

    def __init__(self, place: Place, queues: Sequence[QueueSpec], rules: Sequence[RuleSpec]) -> None:
        super().__init__("loopwright:aws:Messaging", place.named("messaging"))
        self._place = place
        self.queues = {spec.name: self._pair(spec) for spec in queues}
        self.failures = self._queue(f"{FAILURES}-dead", keep=_TWO_WEEKS, lease=_EVENT_LEASE)
        self.bus = aws.cloudwatch.EventBus(
            place.named("events"), name=place.named("events"), opts=ResourceOptions(parent=self)
        )
        made = [(rule, self._rule(rule)) for rule in rules]
        for name, pair in self.queues.items():
            self._guard(name, pair.alive, [rule for spec, rule in made if spec.queue == name])
            self._guard(f"{name}-dead", pair.dead)
        self._guard(f"{FAILURES}-dead", self.failures, [rule for _, rule in made])
        self.register_outputs({"bus": self.bus.name})

    def _pair(self, spec: QueueSpec) -> QueuePair:
        dead = self._queue(f"{spec.name}-dead", keep=_TWO_WEEKS, lease=spec.lease)
        redrive = Output.json_dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": MAX_ATTEMPTS})
        return QueuePair(self._queue(spec.name, keep=_TWO_WEEKS, lease=spec.lease, redrive=redrive), dead)

    def _queue(self, name: str, *, keep: int, lease: timedelta, redrive: Output[str] | None = None) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            self._place.named(name),
            name=self._place.named(name),
            message_retention_seconds=keep,
            visibility_timeout_seconds=int(lease.total_seconds()),
            sqs_managed_sse_enabled=True,
            redrive_policy=redrive,
            opts=ResourceOptions(parent=self),
        )

    def _rule(self, spec: RuleSpec) -> aws.cloudwatch.EventRule:
        name = self._place.named(spec.name)
        rule = aws.cloudwatch.EventRule(
            name,
            name=name,
            event_bus_name=self.bus.name,
            event_pattern=json.dumps({"detail-type": [{"prefix": spec.prefix}]}),
            opts=ResourceOptions(parent=self.bus),
        )
        aws.cloudwatch.EventTarget(
            name,
            rule=rule.name,
            event_bus_name=self.bus.name,
            arn=self.queues[spec.queue].alive.arn,
            input_path="$.detail",
            dead_letter_config=aws.cloudwatch.EventTargetDeadLetterConfigArgs(arn=self.failures.arn),
            opts=ResourceOptions(parent=rule),
        )
        return rule

    def _guard(self, name: str, queue: aws.sqs.Queue, rules: Sequence[aws.cloudwatch.EventRule] = ()) -> None:
        """Let nobody in without TLS, and the rules in."""
        statements = [tls_only("sqs", queue.arn)]
        if rules:
            origin = {"ArnEquals": {"aws:SourceArn": [rule.arn for rule in rules]}}
            statements.append(
                Statement(["sqs:SendMessage"], [queue.arn], principal="events.amazonaws.com", conditions=origin)
            )
        aws.sqs.QueuePolicy(
            self._place.named(name),
            queue_url=queue.url,
            policy=document(statements),
            opts=ResourceOptions(parent=queue),
        )
