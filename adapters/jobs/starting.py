"""Starting one job a key, and telling how it stands: the same for every provider that runs jobs elsewhere."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, assert_never

import msgspec
from typing_extensions import override

from adapters.jobs.items import Found, JobItem, JobItems
from adapters.rules import check_job
from loopwright.clock import Clock, NewId
from loopwright.definitions.model import Resources
from loopwright.errors import ConflictError, LoopwrightError
from loopwright.ports import Table
from loopwright.ports.jobs import Jobs, JobStatus

SILENT: Final = "its process died without a word"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a provider says of that which runs a job: `ended` is why it has come to its end, empty while it lives."""

    ended: str = ""


class Runs(Protocol):
    """One kind of thing that runs jobs.

    Attributes:
        place: its name.
        grace: seconds after which a job that was asked for, and of which nothing is seen, is given up.
    """

    place: str
    grace: float

    def name_of(self, key: str, attempt: str) -> str:
        """Return the name of what will run a job; empty where it has none, or is given one by `run`."""
        ...

    def run(self, item: JobItem, resources: Resources) -> str:
        """Have a job run and return the name of what runs it. It may be run twice: the second one finds it taken.

        Raises:
            DeniedError, UnavailableError: it is not known to run.
        """
        ...

    def look(self, item: JobItem) -> Seen | None:
        """Return how that which runs a job stands; None: nothing can be said of it.

        Raises:
            DeniedError, UnavailableError: the provider does not tell.
        """
        ...


class Choice(Protocol):
    """Decides what runs a job."""

    def __call__(self, job: str, resources: Resources) -> Runs:
        """Return what runs a job that wants so much.

        Raises:
            CapabilityError: it fits nowhere that is configured.
        """
        ...


class ElsewhereJobs(Jobs):
    """Jobs that are items of the table first, so that there is one under a key, and then run elsewhere.

    Who runs a job (`adapters.jobs.running`) takes what to run from its item and writes into it how it ends. What was
    asked for and never ran, and what is past its time without an end, has failed: it is not started again by itself.
    """

    def __init__(
        self,
        table: Table,
        clock: Clock,
        new_id: NewId,
        *,
        choose: Choice,
        runs: Mapping[str, Runs],
        stamp: Callable[[], int] = time.time_ns,
    ) -> None:
        """Keep the place.

        Args:
            table: has the jobs.
            clock: this moment.
            new_id: names an attempt to start a job.
            choose: what runs a job.
            runs: all that may have run one, by place.
            stamp: orders jobs for `list`.
        """
        self._items = JobItems(table)
        self._clock = clock
        self._new_id = new_id
        self._choose = choose
        self._runs = runs
        self._stamp = stamp

    @override
    def start(self, job: str, *, key: str, arguments: Mapping[str, str], resources: Resources) -> bool:
        """Start the job; see `Jobs.start`.

        Raises:
            CapabilityError: it fits nowhere that is configured.
            DeniedError, UnavailableError: it could not be started; nothing is left behind, and it may be tried again.
        """
        check_job(job, key)
        runs = self._choose(job, resources)
        now, attempt = self._clock(), self._new_id()
        item = JobItem(
            key=key,
            job=job,
            arguments=dict(arguments),
            attempt=attempt,
            place=runs.place,
            name=runs.name_of(key, attempt),
            stamp=self._stamp(),
            timeout=resources.timeout.total_seconds(),
            state="requested",
            started=now,
            deadline=now + runs.grace,
        )
        if not self._items.create(item):
            return False
        try:
            name = runs.run(item, resources)
        except LoopwrightError:
            # Should it have been started all the same, the runner finds no such attempt and leaves.
            self._items.remove(item)
            raise
        if name != item.name:
            self._items.call(item, name)
        return True

    @override
    def status(self, key: str) -> JobStatus | None:
        found = self._items.get(key)
        return None if found is None else self._observed(found)

    @override
    def list(self, *, limit: int = 100) -> list[JobStatus]:
        return [self._observed(found) for found in self._items.newest(limit)]

    def _observed(self, found: Found) -> JobStatus:
        """Return the state as it is now; an end that nobody wrote is written when it is seen first."""
        if found.item.ended is not None:
            return found.item.status()
        why = self._why_dead(found.item)
        if why is None:
            return found.item.status()
        dead = msgspec.structs.replace(found.item, state="failed", ended=self._clock(), detail=why)
        try:
            return self._items.change(found, dead).item.status()
        except ConflictError:
            # It has begun, or written its end, since we read it.
            again = self._items.get(found.item.key)
            return (again or found).item.status()

    def _why_dead(self, item: JobItem) -> str | None:
        """Return why a job without an end has come to one, or None while it may live."""
        runs = self._runs.get(item.place)
        seen = runs.look(item) if runs else None
        if seen:
            return seen.ended or None
        if self._clock() <= item.deadline:
            return None
        match item.state:
            case "requested":
                return f"it was asked for at {item.place}, but did not begin within {item.deadline - item.started:g} s"
            case "running":
                return f"{SILENT}: its {item.timeout:g} s are over"
            case "succeeded" | "failed":
                return None
            case _:
                assert_never(item.state)
