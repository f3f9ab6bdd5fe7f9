"""The seven things that a provider must be able to do. Everything else is written once, on top of these."""

from dataclasses import dataclass
from typing import Protocol

from loopwright.clock import Clock, NewId
from loopwright.ports.blobs import Blobs
from loopwright.ports.events import Events
from loopwright.ports.jobs import Jobs
from loopwright.ports.lake import Lake
from loopwright.ports.mirror import Mirror
from loopwright.ports.queues import Queue
from loopwright.ports.table import Table
from loopwright.ports.telemetry import Telemetry

__all__ = ["Blobs", "Capabilities", "Events", "Jobs", "Lake", "Mirror", "Platform", "Queue", "Table", "Telemetry"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What differs between providers, declared instead of guessed.

    Attributes:
        signed_urls: `Blobs.signed_url` gives URLs.
        part_uploads: objects are uploaded in parts by URLs: `Blobs.begin_upload`.
        event_history: `Events.recent` tells what was published.
        telemetry_history: what was measured can be read back.
        durable: other processes see the state, and it outlives this one.
        leases_replay: leases and delays of messages run by the platform's clock, so also by one that is replayed;
            where this is false they run by the queue's own, in whole seconds.
        isolated_reads: a read of several items of the table sees all of a transaction or nothing of it; where this is
            false it may fall into the middle of one.
        counts_in_flight: `Queue.depth` is about this moment, and tells ready messages from those in hand; where this
            is false it may be some minutes old, and counts those in hand as ready.
        remote: what is kept is behind a network, so a call waits for milliseconds: a server that has several requests
            at once answers each in a thread. Where this is false a call takes less than going to a thread does.
    """

    signed_urls: bool
    part_uploads: bool
    event_history: bool
    telemetry_history: bool
    durable: bool
    leases_replay: bool
    isolated_reads: bool
    counts_in_flight: bool
    remote: bool


class Platform(Protocol):
    """The ports of one provider; each is opened when it is first asked for, so a function pays for what it uses."""

    @property
    def capabilities(self) -> Capabilities:
        """What this provider can do."""
        ...

    @property
    def clock(self) -> Clock:
        """This moment."""
        ...

    @property
    def new_id(self) -> NewId:
        """A fresh identity."""
        ...

    @property
    def blobs(self) -> Blobs:
        """Objects."""
        ...

    @property
    def table(self) -> Table:
        """Items."""
        ...

    @property
    def lake(self) -> Lake:
        """Versioned tables."""
        ...

    @property
    def queue(self) -> Queue:
        """Messages."""
        ...

    @property
    def events(self) -> Events:
        """What happened."""
        ...

    @property
    def jobs(self) -> Jobs:
        """Long work."""
        ...

    @property
    def telemetry(self) -> Telemetry:
        """Measurements."""
        ...

    @property
    def mirror(self) -> Mirror | None:
        """Where models and runs are shown too; None: nowhere."""
        return None

    def close(self) -> None:
        """Flush telemetry and let go of files and connections; the platform is not used again."""
        ...
