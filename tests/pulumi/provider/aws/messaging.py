"""Queues, the bus with its rules, topics."""

from collections.abc import Mapping
from typing import Any, Final

from tests.pulumi.provider.aws.kinds import Aws, Kind, Made, Outputs, Put, pairs, retag
from tests.pulumi.provider.aws.policies import as_known, put_here
from tests.pulumi.provider.inputs import Inputs

_QUEUE: Final = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "delaySeconds": "DelaySeconds",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "redrivePolicy": "RedrivePolicy",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "maxMessageSize": "MaximumMessageSize",
}
"""Properties of a queue, and what SQS calls them; there all of them are text."""


class Queue(Kind, token="aws:sqs/queue:Queue", named="name", replaces=["fifoQueue"], tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        name, api = inputs["name"], aws.api("sqs")
        tags = inputs.get("tagsAll", {})
        url = api.create_queue(QueueName=name, Attributes=self._attributes(inputs), tags=tags)["QueueUrl"]
        return url, {"arn": aws.arn("sqs", name), "url": url}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("sqs").get_queue_attributes(QueueUrl=id_, AttributeNames=["All"])["Attributes"]
        asked = {ours: found[theirs] for ours, theirs in _QUEUE.items() if theirs in found and ours in known}
        return {name: _like(known[name], text) for name, text in asked.items()}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.get("name")
        api, before, now = aws.api("sqs"), known.get("tagsAll", {}), inputs.get("tagsAll", {})
        gone = {theirs: "" for ours, theirs in _QUEUE.items() if known.get(ours) and ours not in inputs}
        api.set_queue_attributes(QueueUrl=id_, Attributes=gone | self._attributes(inputs))
        if removed := sorted(before.keys() - now.keys()):
            api.untag_queue(QueueUrl=id_, TagKeys=removed)
        if now:
            api.tag_queue(QueueUrl=id_, Tags=now)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("sqs").delete_queue(QueueUrl=id_)

    def _attributes(self, inputs: Inputs) -> dict[str, str]:
        return {theirs: _text(inputs[ours]) for ours, theirs in _QUEUE.items() if ours in inputs}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _like(known: Any, text: str) -> Any:
    """Return a text of SQS as what it was known as."""
    if isinstance(known, bool):
        return text == "true"
    return int(text) if isinstance(known, int) else text


class QueuePolicy(Put, token="aws:sqs/queuePolicy:QueuePolicy", replaces=["queueUrl"]):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        url = inputs["queueUrl"]
        aws.api("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": put_here(inputs["policy"])})
        return url, {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("sqs").get_queue_attributes(QueueUrl=id_, AttributeNames=["Policy"])
        policy = found.get("Attributes", {}).get("Policy")
        return {"policy": as_known(policy, known["policy"])} if policy else None

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("sqs").set_queue_attributes(QueueUrl=id_, Attributes={"Policy": ""})


class EventBus(Kind, token="aws:cloudwatch/eventBus:EventBus", named="name", tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        tags = pairs(inputs.get("tagsAll", {}))
        asked = inputs.pascal("name", "description", "kmsKeyIdentifier")
        return inputs["name"], {"arn": aws.api("events").create_event_bus(Tags=tags, **asked)["EventBusArn"]}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        aws.api("events").describe_event_bus(Name=id_)
        return {}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        inputs.get("name")
        retag(aws.api("events"), "ResourceARN", known["arn"], known, inputs)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("events").delete_event_bus(Name=id_)


class EventRule(Put, token="aws:cloudwatch/eventRule:EventRule", named="name", replaces=["eventBusName"], tagged=True):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        asked = inputs.pascal("name", "eventBusName", "eventPattern", "scheduleExpression", "description", "state")
        done = aws.api("events").put_rule(Tags=pairs(inputs.get("tagsAll", {})), **asked)
        return f"{inputs.get('eventBusName', 'default')}/{inputs['name']}", {"arn": done["RuleArn"]}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        bus, name = id_.split("/")
        return {"eventPattern": aws.api("events").describe_rule(Name=name, EventBusName=bus).get("EventPattern")}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        bus, name = id_.split("/")
        aws.api("events").delete_rule(Name=name, EventBusName=bus)


class EventTarget(
    Put, token="aws:cloudwatch/eventTarget:EventTarget", named="targetId", replaces=["rule", "eventBusName"]
):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        bus, rule, target = inputs.get("eventBusName", "default"), inputs["rule"], inputs["targetId"]
        asked = inputs.pascal("arn", "input", "inputPath", "roleArn", "deadLetterConfig", "retryPolicy")
        done = aws.api("events").put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": target, **asked}])
        if done["FailedEntryCount"]:
            raise ValueError(f"rule {rule} does not take the target: {done['FailedEntries']}")
        return f"{bus}/{rule}/{target}", {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        bus, rule, target = id_.split("/")
        found = aws.api("events").list_targets_by_rule(Rule=rule, EventBusName=bus)["Targets"]
        return {"inputPath": one.get("InputPath")} if (one := _one(found, target)) else None

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        bus, rule, target = id_.split("/")
        aws.api("events").remove_targets(Rule=rule, EventBusName=bus, Ids=[target])


def _one(targets: list[dict[str, Any]], id_: str) -> dict[str, Any] | None:
    return next((one for one in targets if one["Id"] == id_), None)


class Topic(Kind, token="aws:sns/topic:Topic", named="name", tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        attributes = inputs.pascal("kmsMasterKeyId", "displayName")
        tags = pairs(inputs.get("tagsAll", {}))
        arn = aws.api("sns").create_topic(Name=inputs["name"], Attributes=attributes, Tags=tags)["TopicArn"]
        return arn, {"arn": arn}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        aws.api("sns").get_topic_attributes(TopicArn=id_)
        return {}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        for name, value in inputs.pascal("kmsMasterKeyId", "displayName").items():
            aws.api("sns").set_topic_attributes(TopicArn=id_, AttributeName=name, AttributeValue=value)
        inputs.get("name")
        retag(aws.api("sns"), "ResourceArn", id_, known, inputs)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("sns").delete_topic(TopicArn=id_)


class TopicPolicy(Put, token="aws:sns/topicPolicy:TopicPolicy", replaces=["arn"]):
    def put(self, aws: Aws, inputs: Inputs) -> Made:
        arn = inputs["arn"]
        policy = put_here(inputs["policy"])
        aws.api("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
        return arn, {}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        found = aws.api("sns").get_topic_attributes(TopicArn=id_)["Attributes"]
        return {"policy": as_known(found["Policy"], known["policy"])}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        """It goes with its topic: a topic is never without a policy."""


class TopicSubscription(
    Kind, token="aws:sns/topicSubscription:TopicSubscription", replaces=["topic", "protocol", "endpoint"]
):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        done = aws.api("sns").subscribe(
            TopicArn=inputs["topic"],
            Protocol=inputs["protocol"],
            Endpoint=inputs["endpoint"],
            ReturnSubscriptionArn=True,
        )
        return done["SubscriptionArn"], {"arn": done["SubscriptionArn"]}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        aws.api("sns").get_subscription_attributes(SubscriptionArn=id_)
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        aws.api("sns").unsubscribe(SubscriptionArn=id_)


class Key(Kind, token="aws:kms/key:Key", replaces=["keyUsage"], tagged=True):
    def create(self, aws: Aws, inputs: Inputs) -> Made:
        tags = pairs(inputs.get("tagsAll", {}), "TagKey", "TagValue")
        made = aws.api("kms").create_key(Tags=tags, **inputs.pascal("description", "policy"))["KeyMetadata"]
        if inputs.get("enableKeyRotation"):
            aws.api("kms").enable_key_rotation(KeyId=made["KeyId"])
        return made["KeyId"], {"arn": made["Arn"], "keyId": made["KeyId"]}

    def read(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> Outputs | None:
        return {"description": aws.api("kms").describe_key(KeyId=id_)["KeyMetadata"]["Description"]}

    def update(self, aws: Aws, id_: str, inputs: Inputs, known: Mapping[str, Any]) -> Outputs:
        aws.api("kms").put_key_policy(KeyId=id_, PolicyName="default", Policy=inputs["policy"])
        aws.api("kms").tag_resource(KeyId=id_, Tags=pairs(inputs.get("tagsAll", {}), "TagKey", "TagValue"))
        return {}

    def delete(self, aws: Aws, id_: str, known: Mapping[str, Any]) -> None:
        # AWS waits at least a week before a key is gone for good.
        aws.api("kms").schedule_key_deletion(KeyId=id_, PendingWindowInDays=7)
