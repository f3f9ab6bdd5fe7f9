"""Alarms: a measurement that is too high for a while, and somebody who is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws
from pulumi import Output, ResourceOptions

from infra.aws.place import Place
from infra.aws.policies import Statement, document, tls_only
from infra.spec import Alarm, AlarmSpec

_SERVICE: Final = "cloudwatch.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Measure:
    """One of CloudWatch's metrics, and how it is looked at. `dead`: it is the queue of dead letters that is meant."""

    namespace: str
    metric: str
    statistic: str
    dimension: str
    words: str
    dead: bool = False


MEASURES: Final[Mapping[Alarm, Measure]] = {
    "errors": Measure("AWS/Lambda", "Errors", "Sum", "FunctionName", "calls failed"),
    "throttles": Measure("AWS/Lambda", "Throttles", "Sum", "FunctionName", "calls were refused: too many at once"),
    "p99": Measure("AWS/Lambda", "Duration", "p99", "FunctionName", "milliseconds for one call in a hundred"),
    "age": Measure("AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", "QueueName", "seconds has a message waited"),
    "dead": Measure(
        "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", "QueueName", "messages are dead: redrive", dead=True
    ),
}


class Alarms(pulumi.ComponentResource):
    """The alarms, and a topic for whoever is told; with nobody to tell there is none, and the console shows them."""

    def __init__(self, place: Place, specs: Sequence[AlarmSpec], *, email: str) -> None:
        super().__init__("loopwright:aws:Alarms", place.named("alarms"))
        self._place, self._child = place, ResourceOptions(parent=self)
        told = [self._topic(email).arn] if email else []
        for spec in specs:
            self._alarm(spec, told)
        self.register_outputs({})

    def _alarm(self, spec: AlarmSpec, told: Sequence[Output[str]]) -> None:
        measure = MEASURES[spec.what]
        name = self._place.named(f"{spec.of}-{spec.what}")
        thing = self._place.named(f"{spec.of}-dead" if measure.dead else spec.of)
        percentile = measure.statistic.startswith("p")
        aws.cloudwatch.MetricAlarm(
            name,
            name=name,
            alarm_description=f"{thing}: more than {spec.threshold} {measure.words}",
            namespace=measure.namespace,
            metric_name=measure.metric,
            dimensions={measure.dimension: thing},
            statistic=None if percentile else measure.statistic,
            extended_statistic=measure.statistic if percentile else None,
            comparison_operator="GreaterThanThreshold",
            threshold=spec.threshold,
            period=300,
            evaluation_periods=1,
            treat_missing_data="notBreaching",
            alarm_actions=told,
            ok_actions=told,
            opts=self._child,
        )

    def _topic(self, email: str) -> aws.sns.Topic:
        """Make a topic under a key of our own: alarms may not use that of SNS."""
        name = self._place.named("alarms")
        key = aws.kms.Key(
            name,
            description=f"what {name} says on its way",
            enable_key_rotation=True,
            policy=document(_key_statements(self._place)),
            opts=self._child,
        )
        topic = aws.sns.Topic(name, name=name, kms_master_key_id=key.arn, opts=self._child)
        ours = {"StringEquals": {"aws:SourceAccount": self._place.account}}
        allowed = Statement(["sns:Publish"], [topic.arn], principal=_SERVICE, conditions=ours)
        statements = [allowed, tls_only("sns", topic.arn, actions=["sns:Publish"])]
        aws.sns.TopicPolicy(name, arn=topic.arn, policy=document(statements), opts=self._child)
        aws.sns.TopicSubscription(name, topic=topic.arn, protocol="email", endpoint=email, opts=self._child)
        return topic


_KEY_KEEPING: Final = (
    "kms:CancelKeyDeletion",
    "kms:DescribeKey",
    "kms:DisableKeyRotation",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
)


def _key_statements(place: Place) -> list[Statement]:
    """Let the account keep the key, and alarms use it. In a key's policy `*` is the key itself."""
    ours = {"StringEquals": {"aws:SourceAccount": place.account}}
    root = Output.concat("arn:", place.partition, ":iam::", place.account, ":root")
    return [
        Statement(_KEY_KEEPING, ["*"], account=root),
        Statement(["kms:Decrypt", "kms:GenerateDataKey"], ["*"], principal=_SERVICE, conditions=ours),
    ]
