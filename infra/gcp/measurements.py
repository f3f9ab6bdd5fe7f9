"""What the loop measures of itself, as metrics that are made of lines of the log (`loopwright/logs.py`)."""

from collections.abc import Mapping, Sequence
from typing import Final

import pulumi
import pulumi_gcp as gcp
from pulumi import ResourceOptions

from infra.gcp.logs import stack_filter
from infra.gcp.place import Place
from infra.spec import StackSpec
from loopwright.logs import MEASUREMENT_LABELS, MEASUREMENT_NAME, MEASUREMENT_VALUE

MEASUREMENTS: Final[Mapping[str, Sequence[str]]] = {
    "alerts_dropped": (),
    "mirror_dropped": (),
    "monitor_counted_anew": ("model",),
    "prediction_ms": ("model",),
    "predictions": ("model",),
    "request_ms": ("route", "status"),
    "requests_refused": ("status",),
    "shadow_failures": ("model", "version"),
}
"""By name, with their labels."""

_MILLISECONDS: Final = "_ms"


class Measurements(pulumi.ComponentResource):
    """A metric for each measurement: a distribution, whose sum is what a counter has counted."""

    def __init__(self, place: Place, spec: StackSpec) -> None:
        super().__init__("loopwright:gcp:Measurements", place.named("measurements"))
        ours = stack_filter(place, spec)
        for name, labels in MEASUREMENTS.items():
            self._metric(place, name, labels, ours)
        self.register_outputs({})

    def _metric(self, place: Place, name: str, labels: Sequence[str], ours: str) -> None:
        gcp.logging.Metric(
            place.named(name),
            project=place.project,
            name=f"{place.prefix}/{name}",
            description=f"{name} of {place.prefix}",
            filter=f'jsonPayload.{MEASUREMENT_NAME}="{name}" AND {ours}',
            value_extractor=f"EXTRACT(jsonPayload.{MEASUREMENT_VALUE})",
            label_extractors={label: f"EXTRACT(jsonPayload.{MEASUREMENT_LABELS}.{label})" for label in labels},
            metric_descriptor=gcp.logging.MetricMetricDescriptorArgs(
                metric_kind="DELTA",
                value_type="DISTRIBUTION",
                unit="ms" if name.endswith(_MILLISECONDS) else "1",
                labels=[gcp.logging.MetricMetricDescriptorLabelArgs(key=one, value_type="STRING") for one in labels],
            ),
            # From a tenth to a million, each bucket a fifth wider than the one before.
            bucket_options=gcp.logging.MetricBucketOptionsArgs(
                exponential_buckets=gcp.logging.MetricBucketOptionsExponentialBucketsArgs(
                    num_finite_buckets=90, growth_factor=1.2, scale=0.1
                )
            ),
            opts=ResourceOptions(parent=self),
        )
