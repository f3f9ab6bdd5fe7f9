"""What a stack consists of, whatever the provider: `plan.py` derives it from the project.

Each part names the component that makes it on each provider; `infra/aws/__init__.py` and `infra/gcp/__init__.py` put
the components together.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from infra.config import StackConfig

Store = Literal["blobs", "table", "lake"]
Alarm = Literal["errors", "throttles", "dead", "age", "p99"]
PackageKind = Literal["serve", "lake", "tracking", "training"]

EVERYTHING: Final = "* /"
"""The route of a function that answers every method on every path, under an address of its own."""

FAILURES: Final = "failures"
"""The queue, of dead letters only, of schedules, events and calls without a waiting caller that came to nothing."""


@dataclass(frozen=True, slots=True)
class Read:
    """May read one of the stores (aws/roles.py, gcp/roles.py)."""

    store: Store


@dataclass(frozen=True, slots=True)
class Write:
    """May write and delete in one of the stores; reading is apart (aws/roles.py, gcp/roles.py)."""

    store: Store


@dataclass(frozen=True, slots=True)
class Send:
    """May send to a queue (aws/roles.py, gcp/roles.py)."""

    queue: str


@dataclass(frozen=True, slots=True)
class Consume:
    """May take messages out of a queue (aws/roles.py, gcp/roles.py)."""

    queue: str


@dataclass(frozen=True, slots=True)
class Publish:
    """May publish events (aws/roles.py, gcp/roles.py)."""


@dataclass(frozen=True, slots=True)
class StartJobs:
    """May start jobs and ask for their state (aws/roles.py, gcp/roles.py).

    `containers`: some of them do not fit where all jobs run, and get a container of their own.
    """

    containers: bool = False


@dataclass(frozen=True, slots=True)
class Mirror:
    """May show versions and runs where people look at them too (gcp/roles.py; on AWS there is no such place)."""


@dataclass(frozen=True, slots=True)
class Sign:
    """May sign URLs by which others do for a while what it may do itself (gcp/roles.py; on AWS every role can)."""


Permission = Read | Write | Send | Consume | Publish | StartJobs | Mirror | Sign


@dataclass(frozen=True, slots=True)
class QueueFeed:
    """A queue whose messages call a function (aws/functions.py, gcp/feeds.py).

    Attributes:
        queue: one of the stack's queues.
        batch: at most this many messages a call.
        wait: how long to wait for a batch to fill up. Zero: messages are handed over as they come. A provider that
            cannot wait for messages calls the function by the clock, and it empties the queue itself.
        calls: at most this many at once.
    """

    queue: str
    batch: int
    wait: timedelta
    calls: int


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One function (aws/functions.py, gcp/services.py), or what runs jobs (aws/jobs.py, gcp/jobs.py).

    Attributes:
        name: the folder in `functions/`, or `jobs`.
        package: which package it is in, where there is more than one.
        memory: in MB.
        timeout: of one call.
        permissions: all that its role may do, besides writing its own log.
        routes: what it answers over HTTP, or `EVERYTHING`; empty: it has no endpoint.
        feeds: the queues that call it.
        warm: instances that are kept waiting.
        snapshot: start it from a snapshot of its memory.
        cpu: processors that it has at the least; 0: those that come with its memory.
    """

    name: str
    package: PackageKind
    memory: int
    timeout: timedelta
    permissions: tuple[Permission, ...]
    routes: tuple[str, ...] = ()
    feeds: tuple[QueueFeed, ...] = ()
    warm: int = 0
    snapshot: bool = False
    cpu: float = 0.0

    @property
    def is_asynchronous(self) -> bool:
        """Whether it is called by schedules and by other functions, who do not wait for its answer."""
        return not self.routes and not self.feeds


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A queue and its dead letters (aws/messaging.py, gcp/messaging.py).

    `lease`: how long a message is in one consumer's hands.
    """

    name: str
    lease: timedelta


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """Events whose type starts with `prefix` go into `queue` (aws/messaging.py, gcp/messaging.py)."""

    name: str
    prefix: str
    queue: str


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """A call of a function by the clock (aws/schedules.py, gcp/schedules.py).

    It comes at every multiple of `every` since midnight UTC, `offset` later.

    Attributes:
        name: of the schedule.
        function: which one is called.
        every: a whole part of a day, or whole days.
        offset: how long after the multiple.
        due: what it is told is due.
    """

    name: str
    function: str
    every: timedelta
    offset: timedelta
    due: str


@dataclass(frozen=True, slots=True)
class AlarmSpec:
    """Somebody is told when a measurement of a function or a queue is above `threshold` (aws/alarms.py, gcp/alarms.py).

    Attributes:
        what: errors and throttles are counted, dead counts dead messages, age is in seconds of the oldest message that
            waits, p99 is in milliseconds.
        of: the function or the queue.
        threshold: the highest value that is fine.
    """

    what: Alarm
    of: str
    threshold: int


@dataclass(frozen=True, slots=True)
class StackSpec:
    """Everything that a stack consists of.

    Attributes:
        prefix: how the names of all things begin.
        config: what was configured; who may call the endpoints (aws/endpoints.py, gcp/access.py) among it.
        queues: see there; as are rules, functions and schedules.
        jobs: what runs all jobs that fit it.
        containers: whether there are jobs that do not, and run in the same image elsewhere (aws/jobs.py, gcp/jobs.py).
        alarms: see there.
    """

    prefix: str
    config: StackConfig
    queues: tuple[QueueSpec, ...]
    rules: tuple[RuleSpec, ...]
    functions: tuple[FunctionSpec, ...]
    jobs: FunctionSpec
    containers: bool
    schedules: tuple[ScheduleSpec, ...]
    alarms: tuple[AlarmSpec, ...]
