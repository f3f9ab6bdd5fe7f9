"""Topics and subscriptions: queues with their dead letters, and the events."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pulumi
import pulumi_gcp as gcp
from pulumi import Input, Output, Resource, ResourceOptions

from infra.gcp.place import Place
from infra.spec import FAILURES, QueueSpec, RuleSpec

MAX_ATTEMPTS: Final = 5
EVENTS: Final = "events"
_TWO_WEEKS: Final = "1209600s"
_LEASE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Push:
    """Where messages are pushed to, and what the pushing says it is."""

    endpoint: Output[str]
    account: Output[str]
    audience: str


class Messaging(pulumi.ComponentResource):
    """All queues and the events.

    A queue is a topic and a subscription. One that events feed has no topic of its own: its subscription takes what it
    wants out of the events, and what is sent to it is published there, under its name.

    Attributes:
        topics: where each queue is sent to, by its short name.
        subscriptions: where each queue is taken from that is not pushed.
        events: where events are published.
        failures: calls of schedules that came to nothing, for people to look at.
        agent: Pub/Sub itself, as others know it.
    """

    topics: Mapping[str, gcp.pubsub.Topic]
    subscriptions: Mapping[str, gcp.pubsub.Subscription]
    events: gcp.pubsub.Topic
    failures: gcp.pubsub.Topic
    agent: Output[str]

    def __init__(
        self, place: Place, queues: Sequence[QueueSpec], rules: Sequence[RuleSpec], *, pushed: Collection[str]
    ) -> None:
        super().__init__("loopwright:gcp:Messaging", place.named("messaging"))
        self._place, self._rules = place, rules
        self.agent = gcp.projects.ServiceIdentity(
            place.named("pubsub-agent"),
            project=place.project,
            service="pubsub.googleapis.com",
            opts=ResourceOptions(parent=self),
        ).member
        self.events = self._topic(EVENTS)
        fed = {rule.queue for rule in rules}
        self.topics = {one.name: self.events if one.name in fed else self._topic(one.name) for one in queues}
        self._dead = {one.name: self._kept(f"{one.name}-dead") for one in queues}
        self.subscriptions = {one.name: self.subscribe(one, self) for one in queues if one.name not in pushed}
        self.failures = self._kept(f"{FAILURES}-dead")
        self.register_outputs({"events": self.events.name})

    def subscribe(self, spec: QueueSpec, parent: Resource, push: Push | None = None) -> gcp.pubsub.Subscription:
        """Make the subscription of a queue, and let Pub/Sub take what failed five times out of it."""
        name, dead = self._place.named(spec.name), self._dead[spec.name]
        subscription = gcp.pubsub.Subscription(
            name,
            project=self._place.project,
            name=name,
            topic=self.topics[spec.name].id,
            filter=self._filter(spec.name),
            ack_deadline_seconds=int(spec.lease.total_seconds()),
            message_retention_duration=_TWO_WEEKS,
            expiration_policy=gcp.pubsub.SubscriptionExpirationPolicyArgs(ttl=""),
            dead_letter_policy=gcp.pubsub.SubscriptionDeadLetterPolicyArgs(
                dead_letter_topic=dead.id, max_delivery_attempts=MAX_ATTEMPTS
            ),
            retry_policy=gcp.pubsub.SubscriptionRetryPolicyArgs(minimum_backoff="10s", maximum_backoff="600s"),
            push_config=_pushing(push) if push else None,
            opts=ResourceOptions(parent=parent),
        )
        gcp.pubsub.SubscriptionIAMMember(
            f"{name}-agent",
            project=self._place.project,
            subscription=subscription.name,
            role="roles/pubsub.subscriber",
            member=self.agent,
            opts=ResourceOptions(parent=subscription),
        )
        let_in(self._place, f"{name}-dead-agent", dead, self.agent)
        return subscription

    def _topic(self, name: str) -> gcp.pubsub.Topic:
        full = self._place.named(name)
        return gcp.pubsub.Topic(
            full,
            project=self._place.project,
            name=full,
            message_storage_policy=gcp.pubsub.TopicMessageStoragePolicyArgs(
                allowed_persistence_regions=[self._place.region]
            ),
            opts=ResourceOptions(parent=self),
        )

    def _kept(self, name: str) -> gcp.pubsub.Topic:
        """Make a topic whose messages wait for people."""
        topic, full = self._topic(name), self._place.named(name)
        gcp.pubsub.Subscription(
            full,
            project=self._place.project,
            name=full,
            topic=topic.id,
            ack_deadline_seconds=int(_LEASE.total_seconds()),
            message_retention_duration=_TWO_WEEKS,
            expiration_policy=gcp.pubsub.SubscriptionExpirationPolicyArgs(ttl=""),
            opts=ResourceOptions(parent=topic),
        )
        return topic

    def _filter(self, queue: str) -> str | None:
        """Return what a queue that events feed takes out of them: its own messages, and events by their types."""
        prefixes = [rule.prefix for rule in self._rules if rule.queue == queue]
        if not prefixes:
            return None
        typed = [f'hasPrefix(attributes."ce-type", "{prefix}")' for prefix in prefixes]
        return " OR ".join([f'attributes.queue = "{queue}"', *typed])


def let_in(place: Place, name: str, topic: gcp.pubsub.Topic, member: Input[str]) -> gcp.pubsub.TopicIAMMember:
    """Let somebody publish to a topic."""
    return gcp.pubsub.TopicIAMMember(
        name,
        project=place.project,
        topic=topic.name,
        role="roles/pubsub.publisher",
        member=member,
        opts=ResourceOptions(parent=topic),
    )


def _pushing(push: Push) -> gcp.pubsub.SubscriptionPushConfigArgs:
    return gcp.pubsub.SubscriptionPushConfigArgs(
        push_endpoint=push.endpoint,
        oidc_token=gcp.pubsub.SubscriptionPushConfigOidcTokenArgs(
            service_account_email=push.account, audience=push.audience
        ),
    )
