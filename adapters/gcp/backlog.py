"""How many messages wait in subscriptions: Pub/Sub does not say, Cloud Monitoring does, some minutes late.

Source: "Google Cloud metrics, pubsub": sampled every 60 seconds, visible up to 240 seconds after that.
"""

from collections.abc import Sequence
from typing import Final

from adapters.gcp.api import Api, Query
from loopwright.clock import isoformat

HOST: Final = "monitoring.googleapis.com"

_METRIC: Final = "pubsub.googleapis.com/subscription/num_undelivered_messages"
_WINDOW: Final = 900.0
"""Seconds within which the newest count must be; what has none is empty, or is not there."""


def undelivered(api: Api, project: str, names: Sequence[str], now: float) -> dict[str, int]:
    """Return the newest count of each subscription, by its name: messages that were not acknowledged.

    Raises:
        ServiceError: Monitoring refuses.
        UnavailableError: it does not answer.
    """
    which = ", ".join(f'"{name}"' for name in names)
    query: Query = {
        "filter": f'metric.type = "{_METRIC}" AND resource.labels.subscription_id = one_of({which})',
        "interval.startTime": isoformat(now - _WINDOW),
        "interval.endTime": isoformat(now),
    }
    counts = dict.fromkeys(names, 0)
    for series in api.call("GET", f"/v3/projects/{project}/timeSeries", query=query).get("timeSeries", ()):
        # The newest point comes first.
        newest = series["points"][0]["value"]["int64Value"]
        counts[series["resource"]["labels"]["subscription_id"]] = int(newest)
    return counts
