"""AWS: each port opens its client when it is first used, so that a function pays for what it uses."""

import os
from functools import cached_property
from typing import TYPE_CHECKING

from typing_extensions import override

from adapters.aws.api import Clients
from adapters.aws.place import AwsPlace
from loopwright.clock import Clock, NewId, ReplayClock, new_id, system_clock
from loopwright.ports import Capabilities, Platform
from loopwright.settings import Settings

if TYPE_CHECKING:
    from adapters.aws.blobs import S3Blobs
    from adapters.aws.events import EventBridgeEvents
    from adapters.aws.jobs import AwsJobs
    from adapters.aws.lake import S3Lake
    from adapters.aws.queues import SqsQueue
    from adapters.aws.table import DynamoTable
    from adapters.aws.telemetry import EmfTelemetry


class AwsPlatform(Platform):
    """What a stack has made, found by the names in its place."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._place = AwsPlace.from_env({**os.environ, **settings.place})
        self._clients = Clients(self._place.region, endpoint=self._place.endpoint, environment=os.environ)

    @cached_property
    @override
    def capabilities(self) -> Capabilities:
        return Capabilities(
            signed_urls=True,
            part_uploads=True,
            event_history=True,
            telemetry_history=False,
            durable=True,
            leases_replay=False,
            isolated_reads=False,
            counts_in_flight=True,
            remote=True,
        )

    @cached_property
    @override
    def clock(self) -> Clock:
        return ReplayClock(self._settings.clock_file) if self._settings.clock_file else system_clock

    @cached_property
    @override
    def new_id(self) -> NewId:
        return new_id

    @cached_property
    @override
    def blobs(self) -> "S3Blobs":
        from adapters.aws.blobs import S3Blobs  # noqa: PLC0415 - a port is imported when it is opened

        return S3Blobs(self._clients.api("s3"), self._place, prefix="blobs/")

    @cached_property
    @override
    def table(self) -> "DynamoTable":
        from adapters.aws.blobs import S3Blobs  # noqa: PLC0415
        from adapters.aws.table import DynamoTable  # noqa: PLC0415

        overflow = S3Blobs(self._clients.api("s3"), self._place, prefix="overflow/")
        return DynamoTable(self._clients.api("dynamodb"), self._place.table, overflow, self.clock)

    @cached_property
    @override
    def lake(self) -> "S3Lake":
        from adapters.aws.lake import S3Lake  # noqa: PLC0415

        return S3Lake(self._clients.api("s3"), self._place)

    @cached_property
    @override
    def queue(self) -> "SqsQueue":
        from adapters.aws.queues import SqsQueue  # noqa: PLC0415

        return SqsQueue(self._clients.api("sqs"), self._place.queues, self.clock, account=self._place.account)

    @cached_property
    @override
    def events(self) -> "EventBridgeEvents":
        from adapters.aws.events import EventBridgeEvents  # noqa: PLC0415

        return EventBridgeEvents(self._clients.api("events"), self._place.bus, self.table, self.clock, self.new_id)

    @cached_property
    @override
    def jobs(self) -> "AwsJobs":
        from adapters.aws.jobs import AwsJobs  # noqa: PLC0415

        return AwsJobs(self._clients.api, self._place, self.table, self.clock, self.new_id)

    @cached_property
    @override
    def telemetry(self) -> "EmfTelemetry":
        from adapters.aws.telemetry import EmfTelemetry  # noqa: PLC0415

        return EmfTelemetry(self._place.namespace, self.clock)

    @override
    def close(self) -> None:
        # Only what was opened is in the instance's dictionary: closing opens nothing.
        telemetry = vars(self).get("telemetry")
        if telemetry is not None:
            telemetry.flush()
        self._clients.close()
