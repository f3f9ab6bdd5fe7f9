"""Everything in this process's memory: the reference that the other providers are compared with."""

from functools import cached_property

from typing_extensions import override

from adapters.memory.blobs import MemoryBlobs
from adapters.memory.events import MemoryEvents
from adapters.memory.jobs import MemoryJobs
from adapters.memory.lake import MemoryLake
from adapters.memory.queues import MemoryQueue
from adapters.memory.table import MemoryTable
from adapters.memory.telemetry import MemoryTelemetry
from loopwright.clock import Clock, NewId, ReplayClock, new_id, system_clock
from loopwright.ports import Capabilities, Platform
from loopwright.settings import Settings


class MemoryPlatform(Platform):
    """A world of its own, empty when it is opened and gone with its object."""

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
            durable=False,
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
    def blobs(self) -> MemoryBlobs:
        return MemoryBlobs(self.clock)

    @cached_property
    @override
    def table(self) -> MemoryTable:
        return MemoryTable(self.clock)

    @cached_property
    @override
    def lake(self) -> MemoryLake:
        return MemoryLake()

    @cached_property
    @override
    def queue(self) -> MemoryQueue:
        return MemoryQueue(self.clock, self.new_id)

    @cached_property
    @override
    def events(self) -> MemoryEvents:
        return MemoryEvents(self.queue, self._settings.subscriptions)

    @cached_property
    @override
    def jobs(self) -> MemoryJobs:
        return MemoryJobs(self.clock)

    @cached_property
    @override
    def telemetry(self) -> MemoryTelemetry:
        return MemoryTelemetry(self.clock)

    @override
    def close(self) -> None:
        self.telemetry.flush()
