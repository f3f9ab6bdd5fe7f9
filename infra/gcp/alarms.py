"""Alarms: a measurement that is too high for a while, and somebody who is told."""

import pulumi
import pulumi_gcp as gcp
from pulumi import Output, ResourceOptions

from infra.gcp.measures import PERIOD, measure_of, thing_of
from infra.gcp.place import Place
from infra.spec import AlarmSpec, StackSpec


class Alarms(pulumi.ComponentResource):
    """The alarms, and a channel to whoever is told; with nobody to tell there is none, and the console shows them.

    Attributes:
        channels: the names of the channels.
    """

    channels: list[Output[str]]

    def __init__(self, place: Place, spec: StackSpec) -> None:
        super().__init__("loopwright:gcp:Alarms", place.named("alarms"))
        self._place, self._spec, self._child = place, spec, ResourceOptions(parent=self)
        self.channels = [self._channel(spec.config.alarm_email).name] if spec.config.alarm_email else []
        for one in spec.alarms:
            self._alarm(one)
        self.register_outputs({})

    def _alarm(self, spec: AlarmSpec) -> None:
        place, measure = self._place, measure_of(spec.what, spec.of, self._spec.jobs)
        name, thing = place.named(f"{spec.of}-{spec.what}"), thing_of(spec.what, spec.of)
        words = f"{place.named(thing)}: more than {spec.threshold} {measure.words}"
        threshold = gcp.monitoring.AlertPolicyConditionConditionThresholdArgs(
            filter=measure.filter(place, thing),
            comparison="COMPARISON_GT",
            threshold_value=spec.threshold,
            duration="0s",
            aggregations=[
                gcp.monitoring.AlertPolicyConditionConditionThresholdAggregationArgs(
                    alignment_period=PERIOD, per_series_aligner=measure.align, cross_series_reducer=measure.reduce
                )
            ],
        )
        gcp.monitoring.AlertPolicy(
            name,
            project=place.project,
            display_name=name,
            combiner="OR",
            conditions=[gcp.monitoring.AlertPolicyConditionArgs(display_name=words, condition_threshold=threshold)],
            documentation=gcp.monitoring.AlertPolicyDocumentationArgs(content=words, mime_type="text/markdown"),
            alert_strategy=gcp.monitoring.AlertPolicyAlertStrategyArgs(auto_close="1800s"),
            notification_channels=self.channels,
            opts=self._child,
        )

    def _channel(self, email: str) -> gcp.monitoring.NotificationChannel:
        name = self._place.named("alarms")
        return gcp.monitoring.NotificationChannel(
            name,
            project=self._place.project,
            display_name=name,
            type="email",
            labels={"email_address": email},
            opts=self._child,
        )
