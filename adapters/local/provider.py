"""One machine: files, SQLite and Delta Lake under one folder, shared by as many processes as you like."""

from functools import cached_property
from typing import TYPE_CHECKING

from typing_extensions import override

from loopwright.clock import Clock, NewId, ReplayClock, new_id, system_clock
from loopwright.ports import Capabilities, Platform
from loopwright.settings import Settings

if TYPE_CHECKING:
    from adapters.local.blobs import LocalBlobs
    from adapters.local.events import LocalEvents
    from adapters.local.jobs import LocalJobs
    from adapters.local.lake import LocalLake
    from adapters.local.queues import LocalQueue
    from adapters.local.table import LocalTable
    from adapters.local.telemetry import LocalTelemetry


class LocalPlatform(Platform):
    """Everything under `Settings.home`; it is made when something is first written to it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    @override
    def capabilities(self) -> Capabilities:
        return Capabilities(
            signed_urls=False,
            part_uploads=False,
            event_history=True,
            telemetry_history=True,
            durable=True,
            leases_replay=True,
            isolated_reads=True,
            counts_in_flight=True,
            remote=False,
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
    def blobs(self) -> "LocalBlobs":
        from adapters.local.blobs import LocalBlobs  # noqa: PLC0415 - a port is imported when it is opened

        return LocalBlobs(self._settings.home)

    @cached_property
    @override
    def table(self) -> "LocalTable":
        from adapters.local.table import LocalTable  # noqa: PLC0415

        return LocalTable(self._settings.home / "table.db", self.clock)

    @cached_property
    @override
    def lake(self) -> "LocalLake":
        from adapters.local.lake import LocalLake  # noqa: PLC0415

        return LocalLake(self._settings.home / "lake")

    @cached_property
    @override
    def queue(self) -> "LocalQueue":
        from adapters.local.queues import LocalQueue  # noqa: PLC0415

        return LocalQueue(self._settings.home / "queue.db", self.clock, self.new_id)

    @cached_property
    @override
    def events(self) -> "LocalEvents":
        from adapters.local.events import LocalEvents  # noqa: PLC0415

        return LocalEvents(self.queue, self._settings.subscriptions)

    @cached_property
    @override
    def jobs(self) -> "LocalJobs":
        from adapters.local.jobs import LocalJobs  # noqa: PLC0415

        return LocalJobs(self._settings.home, self._settings, self.clock)

    @cached_property
    @override
    def telemetry(self) -> "LocalTelemetry":
        from adapters.local.telemetry import LocalTelemetry  # noqa: PLC0415

        return LocalTelemetry(self._settings.home / "telemetry.db", self.clock)

    @override
    def close(self) -> None:
        # Only what was opened is in the instance's dictionary: closing opens nothing.
        opened = vars(self)
        for port in (opened.get("table"), opened.get("queue"), opened.get("jobs"), opened.get("telemetry")):
            if port is not None:
                port.close()
