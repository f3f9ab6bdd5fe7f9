"""Running one job that was asked for, and writing down how it ended.

Runners are started at least once, with a job's key and the name of the attempt. What to run is in the job's item, and a
job is run by who turns its item from requested to running; everybody else leaves.
"""

import argparse
import math
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Final

import msgspec

from adapters.jobs.items import Found, JobItem, JobItems
from adapters.jobs.process import End, Process, Stop, say_aloud
from loopwright.clock import Clock
from loopwright.errors import ConflictError
from loopwright.ports import Platform, Table

PROGRAM: Final = (sys.executable, "-m", "pipelines.job")
_MARGIN: Final = 120.0


class Asked(msgspec.Struct, frozen=True):
    """Which job a runner is started for, and by which attempt."""

    key: str
    attempt: str


def asked_by(argv: Sequence[str] | None, module: str) -> Asked:
    """Return what a command line asks for, or end the process with what is wrong with it."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description="Run one job.")
    parser.add_argument("--key", required=True)
    parser.add_argument("--attempt", required=True)
    given = parser.parse_args(argv)
    return Asked(given.key, given.attempt)


def run_in_container(asked: Asked, open_: Callable[[], Platform], *, name: str = "") -> End | None:
    """Run a job as a container's own program, which is told by a signal when it has to end; see `run_job`."""
    stop = Stop()
    signal.signal(signal.SIGTERM, stop)
    with closing(open_()) as platform:
        return run_job(platform.table, platform.clock, asked, name=name, stop=stop)


def run_job(
    table: Table,
    clock: Clock,
    asked: Asked,
    *,
    name: str = "",
    limit: float = math.inf,
    program: Sequence[str] = PROGRAM,
    environment: Mapping[str, str] | None = None,
    stop: Stop | None = None,
) -> End | None:
    """Run a job to its end and write it down; None: it was given up, or somebody else runs it or has run it.

    Args:
        table: has the jobs.
        clock: this moment.
        asked: the job; the attempt must be the one that its item names.
        name: of what runs it here, if it knows.
        limit: seconds that it may take at the most, whatever its item says.
        program: a job is this program with the job's name and its arguments behind.
        environment: of the program; absent: this process's.
        stop: hears that it has to end before its time.
    """
    items = JobItems(table)
    found = _taken(items, clock, asked, name=name, limit=limit)
    if found is None:
        return None
    item, key = found.item, asked.key
    process = Process([*program, *_words(item)], os.environ if environment is None else environment, stop)
    end = process.end(min(item.timeout, limit))
    try:
        items.change(found, msgspec.structs.replace(item, state=end.state, ended=clock(), detail=end.detail))
    except ConflictError:
        say_aloud(f"job {key} had been given up before it ended: {end.state}\n")
    return end


def _taken(items: JobItems, clock: Clock, asked: Asked, *, name: str, limit: float) -> Found | None:
    """Turn a job from requested to running, if it is ours to run."""
    while True:
        found = items.get(asked.key)
        if found is None or found.item.attempt != asked.attempt or found.item.state != "requested":
            state = found.item.state if found else "nobody asks for it any more"
            say_aloud(f"job {asked.key} is not to be run: {state}\n")
            return None
        item = found.item
        deadline = clock() + min(item.timeout, limit) + _MARGIN
        running = msgspec.structs.replace(item, state="running", deadline=deadline, name=name or item.name)
        try:
            return items.change(found, running)
        except ConflictError:
            # Another runner was faster; or who has started us has only just written down what runs the job.
            continue


def _words(item: JobItem) -> tuple[str, ...]:
    return (item.job, "--arguments", msgspec.json.encode(item.arguments).decode())
