"""What a stack consists of, whatever the provider: `plan.py` derives it from the project.

Each part names the component that makes it on AWS; `infra/aws/__init__.py` puts the components together.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from infra.config import Auth, StackConfig

Store = Literal["blobs", "table", "lake"]
PackageKind = Literal["serve", "lake", "training"]


@dataclass(frozen=True, slots=True)
class Read:
    """May read one of the stores (aws/roles.py)."""

    store: Store


@dataclass(frozen=True, slots=True)
class Write:
    """May write and delete in one of the stores; reading is apart (aws/roles.py)."""

    store: Store


@dataclass(frozen=True, slots=True)
class Send:
    """May send to a queue (aws/roles.py)."""

    queue: str


@dataclass(frozen=True, slots=True)
class Consume:
    """May take messages out of a queue (aws/roles.py)."""

    queue: str


@dataclass(frozen=True, slots=True)
class Publish:
    """May publish events (aws/roles.py)."""


@dataclass(frozen=True, slots=True)
class StartJobs:
    """May start jobs and ask for their state (aws/roles.py)."""


Permission = Read | Write | Send | Consume | Publish | StartJobs


@dataclass(frozen=True, slots=True)
class QueueFeed:
    """A queue whose messages call a function (aws/functions.py).

    Attributes:
        queue: one of the stack's queues.
        batch: at most this many messages a call.
        wait: how long to wait for a batch to fill up.
        calls: at most this many at once.
    """

    queue: str
    batch: int
    wait: timedelta
    calls: int


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One function (aws/functions.py; of kind `training` aws/jobs.py).

    Attributes:
        name: the folder in `functions/`, or `jobs`.
        package: which package it is in.
        memory: in MB.
        timeout: of one call.
        permissions: all that its role may do, besides writing its own log.
        routes: what it answers over HTTP; empty: it has no endpoint.
        feeds: the queues that call it.
        warm: instances that are kept waiting.
        snapshot: start it from a snapshot of its memory.
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

    @property
    def handler(self) -> str:
        """What is called, as a dotted name."""
        return (
            "adapters.aws.job_runner.handler" if self.package == "training" else f"functions.{self.name}.main.handler"
        )

    @property
    def is_asynchronous(self) -> bool:
        """Whether it is called by schedules and by other functions, who do not wait for its answer."""
        return not self.routes and not self.feeds


@dataclass(frozen=True, slots=True)
class QueueSpec:
    """A queue and its dead letters (aws/messaging.py). `lease`: how long a message is in one consumer's hands."""

    name: str
    lease: timedelta


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """Events whose type starts with `prefix` go into `queue` (aws/messaging.py)."""

    name: str
    prefix: str
    queue: str


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """A call of a function at every multiple of `every` since midnight UTC, `offset` later (aws/schedules.py).

    Attributes:
        name: of the schedule.
        function: which one is called.
        every: a whole part of a day, or whole days.
        offset: how long after the multiple.
        message: what it is called with, in JSON.
    """

    name: str
    function: str
    every: timedelta
    offset: timedelta
    message: dict[str, str]


@dataclass(frozen=True, slots=True)
class StackSpec:
    """Everything that a stack consists of.

    Attributes:
        prefix: how the names of all things begin.
        queues: see there; as are functions, rules and schedules.
        auth: who may call the endpoints (aws/endpoints.py).
    """

    prefix: str
    config: StackConfig
    queues: tuple[QueueSpec, ...]
    rules: tuple[RuleSpec, ...]
    functions: tuple[FunctionSpec, ...]
    jobs: FunctionSpec
    schedules: tuple[ScheduleSpec, ...]

    @property
    def auth(self) -> Auth:
        """Who may call the endpoints."""
        return self.config.auth
