"""Monitoring, as far as queues are counted by it: `pubsub.googleapis.com/subscription/num_undelivered_messages`.

Google's own is some minutes late; here it tells what is so now.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tests.clouds.google import pubsub
from tests.clouds.google.front import Answer, Request, Service, refused, told

METRIC: Final = "pubsub.googleapis.com/subscription/num_undelivered_messages"

_PATH: Final = re.compile(r"/v3/projects/([^/]+)/timeSeries")
_FILTER: Final = re.compile(
    rf'metric\.type\s*=\s*"{re.escape(METRIC)}"\s+AND\s+'
    r"resource\.labels?\.subscription_id\s*=\s*(?:\"([^\"]+)\"|one_of\((\"[^\"]+\"(?:\s*,\s*\"[^\"]+\")*)\))"
)


class Monitoring(Service):
    """Numbers of undelivered messages."""

    def __init__(self, undelivered: Callable[[], Mapping[str, int]]) -> None:
        self._undelivered = undelivered

    def takes(self, request: Request) -> bool:
        return _PATH.fullmatch(request.path) is not None

    def answer(self, request: Request) -> Answer:
        found, wanted = _PATH.fullmatch(request.path), _FILTER.fullmatch(request.one("filter"))
        if request.method != "GET" or found is None or wanted is None:
            what = f"{request.method} {request.target}: only undelivered messages can be asked for here"
            return refused(501, "UNIMPLEMENTED", what)
        if not request.one("interval.endTime"):
            return refused(400, "INVALID_ARGUMENT", "Field interval.endTime is required")
        project, names = found[1], {wanted[1]} if wanted[1] else set(re.findall(r'"([^"]+)"', wanted[2]))
        now = datetime.now(UTC).replace(microsecond=0)
        series = []
        for whole, count in sorted(self._undelivered().items()):
            name = whole.rpartition("/")[2]
            if name in names and whole.startswith(f"projects/{project}/"):
                series.append(_series(project, name, count, now))
        return told({"timeSeries": series, "unit": "1"} if series else {})

    def close(self) -> None:
        """Nothing was started."""


def start(folder: Path) -> Service:
    """Return the service; it asks Pub/Sub, if there is one beside it."""

    def undelivered() -> Mapping[str, int]:
        beside = pubsub.running(folder)
        return beside.undelivered() if beside else {}

    return Monitoring(undelivered)


def _series(project: str, name: str, count: int, now: datetime) -> dict[str, object]:
    at = now.isoformat().replace("+00:00", "Z")
    point = {"interval": {"startTime": at, "endTime": at}, "value": {"int64Value": str(count)}}
    return {
        "metric": {"type": METRIC},
        "resource": {"type": "pubsub_subscription", "labels": {"project_id": project, "subscription_id": name}},
        "metricKind": "GAUGE",
        "valueType": "INT64",
        "points": [point],
    }
