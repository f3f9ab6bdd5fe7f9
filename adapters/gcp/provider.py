"""Google Cloud: each port opens its client when it is first used, so that a function pays for what it uses."""

import os
from functools import cached_property
from typing import TYPE_CHECKING

from typing_extensions import override

from adapters.gcp.api import Clients
from adapters.gcp.place import GcpPlace
from adapters.gcp.signing import signer_of
from adapters.gcp.tokens import Nobody, tokens_of
from loopwright.clock import Clock, NewId, ReplayClock, new_id, system_clock
from loopwright.ports import Capabilities, Platform
from loopwright.settings import MIRROR_SUBSCRIPTIONS, Settings

if TYPE_CHECKING:
    from adapters.gcp.blobs import GcsBlobs
    from adapters.gcp.events import PubSubEvents
    from adapters.gcp.jobs import CloudRunJobs
    from adapters.gcp.lake import GcsLake
    from adapters.gcp.queues import PubSubQueue
    from adapters.gcp.table import FirestoreTable
    from adapters.gcp.telemetry import LogTelemetry
    from adapters.gcp.vertex import VertexMirror

STORAGE = "storage.googleapis.com"
FIRESTORE = "firestore.googleapis.com"
PUBSUB = "pubsub.googleapis.com"


class GcpPlatform(Platform):
    """What a stack has made, found by the names in its place."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._place = GcpPlace.from_env({**os.environ, **settings.place})
        tokens = Nobody() if self._place.endpoint else tokens_of(os.environ, system_clock)
        self._clients = Clients(tokens, endpoint=self._place.endpoint)
        self._signer = signer_of(os.environ, self._place, self._clients.api)

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
            isolated_reads=False,  # Firestore promises more; its emulator does not, and what is not tested is not said
            counts_in_flight=False,
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
    def blobs(self) -> "GcsBlobs":
        from adapters.gcp.blobs import GcsBlobs  # noqa: PLC0415 - a port is imported when it is opened

        return GcsBlobs(self._clients.api(STORAGE), self._place, prefix="blobs/", signer=self._signer)

    @cached_property
    @override
    def table(self) -> "FirestoreTable":
        from adapters.gcp.blobs import GcsBlobs  # noqa: PLC0415
        from adapters.gcp.table import FirestoreTable  # noqa: PLC0415

        overflow = GcsBlobs(self._clients.api(STORAGE), self._place, prefix="overflow/", signer=self._signer)
        return FirestoreTable(self._clients.api(FIRESTORE), self._place, overflow, self.clock)

    @cached_property
    @override
    def lake(self) -> "GcsLake":
        from adapters.gcp.lake import GcsLake  # noqa: PLC0415

        return GcsLake(self._clients.api(STORAGE), self._place, self._signer)

    @cached_property
    @override
    def queue(self) -> "PubSubQueue":
        from adapters.gcp.queues import PubSubQueue  # noqa: PLC0415

        mirrored = MIRROR_SUBSCRIPTIONS if self._place.vertex == "true" else ()
        subscriptions = (*self._settings.subscriptions, *mirrored)
        return PubSubQueue(self._clients.api, self._place, subscriptions, self.clock)

    @cached_property
    @override
    def events(self) -> "PubSubEvents":
        from adapters.gcp.events import PubSubEvents  # noqa: PLC0415

        return PubSubEvents(self._clients.api(PUBSUB), self._place, self.table, self.clock, self.new_id)

    @cached_property
    @override
    def jobs(self) -> "CloudRunJobs":
        from adapters.gcp.jobs import CloudRunJobs  # noqa: PLC0415

        return CloudRunJobs(self._clients.api, self._place, self.table, self.clock, self.new_id)

    @cached_property
    @override
    def telemetry(self) -> "LogTelemetry":
        from adapters.gcp.telemetry import LogTelemetry  # noqa: PLC0415

        return LogTelemetry(self.clock)

    @cached_property
    @override
    def mirror(self) -> "VertexMirror | None":
        from adapters.gcp.vertex import VertexMirror  # noqa: PLC0415

        return VertexMirror(self._place) if self._place.vertex == "true" else None

    @override
    def close(self) -> None:
        # Only what was opened is in the instance's dictionary: closing opens nothing.
        telemetry = vars(self).get("telemetry")
        if telemetry is not None:
            telemetry.flush()
        self._clients.close()
