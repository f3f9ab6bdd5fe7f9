"""What is known of each job, in the table.

job/<key>, state      everything about the job: see `JobItem`
jobs, <moment>/<key>  {}, so that jobs can be listed by the moment at which they were asked for
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from loopwright.errors import ConflictError
from loopwright.ports import Table
from loopwright.ports.jobs import JobState, JobStatus
from loopwright.ports.table import ABSENT, Delete, Item, Key, Put, Version

_LIST: Final = "jobs"


class JobItem(msgspec.Struct, frozen=True):
    """A job as it is kept.

    Attributes:
        key, job, arguments: what was asked for.
        attempt: names this try to start it: whoever was started by another one must not run it.
        place: where it runs, by the name of a `Runs`.
        name: of that which runs it there; empty while it has none, or where it has none at all.
        stamp: its place in the list.
        timeout: seconds that it may take.
        state: asked for, or what `JobStatus` says.
        started: when it was asked for.
        deadline: the moment after which it has died unless its end is here; before it runs: unless it does.
        ended, detail: see `JobStatus`.
    """

    key: str
    job: str
    arguments: dict[str, str]
    attempt: str
    place: str
    name: str
    stamp: int
    timeout: float
    state: Literal["requested", "running", "succeeded", "failed"]
    started: float
    deadline: float
    ended: float | None = None
    detail: str = ""

    def status(self) -> JobStatus:
        """Return what the outside is told."""
        state: JobState = "running" if self.state == "requested" else self.state
        return JobStatus(self.key, self.job, state, self.started, self.ended, self.detail)


@dataclass(frozen=True, slots=True)
class Found:
    """A job as it was read, with the version that a change expects."""

    item: JobItem
    version: int


class JobItems:
    """The jobs in the table; every change expects what it has read."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(self, item: JobItem) -> bool:
        """Keep a job that is asked for, and return whether it is the first under its key."""
        writes = [Put(_key(item.key), msgspec.to_builtins(item), expect=ABSENT), Put(_place(item), {"key": item.key})]
        try:
            self._table.transact(writes)
        except ConflictError:
            # A transaction that was sent twice meets itself.
            found = self.get(item.key)
            return found is not None and found.item.attempt == item.attempt
        return True

    def remove(self, item: JobItem) -> None:
        """Forget a job that could not be started, unless it runs."""
        found = self.get(item.key)
        if found is None or found.item != item:
            return
        try:
            self._table.transact([Delete(_key(item.key), Version(found.version)), Delete(_place(item))])
        except ConflictError:
            return

    def call(self, item: JobItem, name: str) -> None:
        """Keep the name of what runs a job, unless it has begun: then who runs it has told who he is."""
        found = self.get(item.key)
        if found is None or found.item != item:
            return
        with suppress(ConflictError):
            self.change(found, msgspec.structs.replace(item, name=name))

    def get(self, key: str) -> Found | None:
        """Return the job, or None where there is none."""
        item = self._table.get(_key(key))
        return _found(item) if item else None

    def newest(self, limit: int) -> Iterator[Found]:
        """Yield the newest jobs, newest first."""
        listed = [str(one.value["key"]) for one in self._table.query(_LIST, limit=limit, reverse=True)]
        for item in self._table.get_many([_key(key) for key in listed]):
            if item is not None:
                yield _found(item)

    def change(self, found: Found, item: JobItem) -> Found:
        """Store a job's new state.

        Raises:
            ConflictError: it is no longer what was found.
        """
        version = self._table.put(_key(item.key), msgspec.to_builtins(item), expect=Version(found.version))
        return Found(item, version)


def _found(item: Item) -> Found:
    return Found(msgspec.convert(dict(item.value), JobItem), item.version)


def _key(key: str) -> Key:
    return Key(f"job/{key}", "state")


def _place(item: JobItem) -> Key:
    return Key(_LIST, f"{item.stamp:020d}/{item.key}")
