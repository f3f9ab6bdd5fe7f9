"""Topics and subscriptions."""

from collections.abc import Mapping
from typing import Any, ClassVar

from tests.pulumi.provider.gcp.kinds import Google, Json, Resource, given, project
from tests.pulumi.provider.inputs import Inputs
from tests.pulumi.provider.kinds import Made, Outputs


class _Named(Resource):
    """What is made at its name."""

    kinds: ClassVar[str]

    def parent(self, google: Google, inputs: Inputs) -> str:
        return f"{project(google, inputs)}/{self.kinds}"

    def name(self, inputs: Inputs) -> str:
        return str(inputs["name"])

    def create(self, google: Google, inputs: Inputs) -> Made:
        id_ = f"{self.parent(google, inputs)}/{self.name(inputs)}"
        google.call("PUT", f"/v1/{id_}", self.body(google, inputs))
        return id_, {}


class Topic(_Named, token="gcp:pubsub/topic:Topic", named="name", labelled=True):
    kinds = "topics"
    inside = "topic"
    telling = frozenset({"labels"})  # the emulator keeps nothing else

    def body(self, google: Google, inputs: Inputs) -> Json:
        return {
            **given(labels=inputs.get("effectiveLabels")),
            **inputs.camel("messageStoragePolicy", "messageRetentionDuration", "kmsKeyName"),
        }

    def update(self, google: Google, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        return super().update(google, id_, inputs, known)


class Subscription(
    _Named, token="gcp:pubsub/subscription:Subscription", named="name", replaces=["topic", "filter"], labelled=True
):
    kinds = "subscriptions"
    inside = "subscription"

    def body(self, google: Google, inputs: Inputs) -> Json:
        # With a time to live of nothing it never expires: the API says it by a policy that names none.
        expires = inputs.part("expirationPolicy").get("ttl")
        policy = {} if expires is None else {"expirationPolicy": {"ttl": expires} if expires else {}}
        return {
            **given(labels=inputs.get("effectiveLabels")),
            **policy,
            **inputs.camel(
                "topic",
                "filter",
                "ackDeadlineSeconds",
                "messageRetentionDuration",
                "deadLetterPolicy",
                "retryPolicy",
                "pushConfig",
                "enableMessageOrdering",
                "enableExactlyOnceDelivery",
                "retainAckedMessages",
            ),
        }
