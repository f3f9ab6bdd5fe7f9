"""From the lake into the online table: only rows that changed since the checkpoint, of each entity only the newest.

Rows are written first and the checkpoint after them, so a run that dies is repeated by the next one; writing a row
twice changes nothing. Two runs at once do the same work twice and no harm: the online store lets no older row win,
and one of the two checkpoints is the next one's start.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from loopwright.definitions.features import FeatureView
from loopwright.errors import NotFoundError
from loopwright.features import checkpoints
from loopwright.features.checkpoints import Checkpoint
from loopwright.features.newest import newest
from loopwright.features.online import OnlineStore
from loopwright.features.sources import check_source, source_columns
from loopwright.ports import Platform
from loopwright.ports.lake import ArrowStream, Between, Lake, Selection


@dataclass(frozen=True, slots=True)
class Materialized:
    """What a run did: rows that it read, rows that were news to the online table, the version that it reached."""

    view: str
    rows_read: int = 0
    rows_written: int = 0
    version: int | None = None


def materialize(platform: Platform, view: FeatureView, *, now: float) -> Materialized:
    """Bring everything of the view's source that is known at `now` into the online table.

    Rows whose known time is after `now` wait in the lake until a run after it. A source that is not there yet has no
    rows. After a change of the view's features everything is written again.

    Raises:
        InvalidInputError: the source's columns no longer fit the view.
        UnavailableError, ConflictError: the next run takes up where this one stopped.
    """
    version = platform.lake.version(view.source)
    if version is None:
        return Materialized(view.name)
    start = checkpoints.load(platform.table, view)
    due = start.pending is not None and start.pending <= now
    if start.version == version and not due:
        return Materialized(view.name, version=version)
    check_source(platform.lake, view, version=version)
    rows = written = 0
    pending = None if due else start.pending
    store = OnlineStore(platform.table)
    for stream in _streams(platform.lake, view, start, until=version, due=due):
        found = newest(view, stream, now=now)
        rows += found.rows
        written += store.write(view, found.columns)
        pending = min((moment for moment in (pending, found.pending) if moment is not None), default=None)
    checkpoints.advance(platform.table, view, replace(start, version=version, pending=pending))
    return Materialized(view.name, rows, written, version)


def version_needed(platform: Platform, view: FeatureView) -> int | None:
    """Return the version of the view's source from which on the next run reads changes; None: it reads everything."""
    version = checkpoints.load(platform.table, view).version
    return None if version < 0 else version


def _streams(lake: Lake, view: FeatureView, start: Checkpoint, *, until: int, due: bool) -> Iterator[ArrowStream]:
    """Yield the rows that may be news, some of them perhaps twice."""
    selection = Selection(columns=tuple(source_columns(view)))
    if not 0 <= start.version <= until:
        yield lake.read(view.source, selection, version=until)
        return
    if due:
        waiting = Between(view.known_time or view.event_time, low=start.pending)
        yield lake.read(view.source, replace(selection, where=(waiting,)), version=until)
    if start.version < until:
        try:
            yield lake.changes(view.source, since=start.version, until=until, selection=selection)
        except NotFoundError:  # the versions since then have expired, so all that is there may be news
            yield lake.read(view.source, selection, version=until)
