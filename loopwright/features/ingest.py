"""Pushed feature rows: checked, queued, and brought into the lake and the online table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from loopwright.clock import isoformat
from loopwright.columns import Columns, DType, moments, take
from loopwright.definitions.features import FeatureView
from loopwright.features import checkpoints
from loopwright.features.online import OnlineStore
from loopwright.features.sources import source_columns
from loopwright.features.validation import RowParser
from loopwright.ports import Platform
from loopwright.serving.log import FEATURES_QUEUE, Entry, encode


@dataclass(frozen=True, slots=True)
class _Moment:
    """A source's column of moments, for the parser: its name is no user's field and may be a reserved one."""

    name: str
    dtype: DType = "time"
    nullable: bool = False


def push(platform: Platform, view: FeatureView, rows: Sequence[Mapping[str, object]]) -> int:
    """Check feature rows, queue them for `ingest`, write online what is known by now; return how many there were.

    A row has the entity's keys, the event time and the features, and may have the known time, if the view has one:
    a row without it is known from this moment. What is known when this returns is served from the next request on.

    Raises:
        InvalidInputError: naming every problem; nothing was queued.
        UnavailableError: it may be queued or not; push it again.
    """
    now = _to_the_microsecond(platform.clock())
    columns = parse(view, rows, now=now)
    if rows:
        platform.queue.send(FEATURES_QUEUE, encode(Entry(view.name, source_columns(view), columns)))
        _write_known(platform, view, columns, now=now)
    return len(rows)


def parse(view: FeatureView, rows: Sequence[Mapping[str, object]], *, now: float) -> Columns:
    """Return pushed rows as columns of the view's source; see `push`."""
    fields = {field.name: field for field in (*view.entity.keys, *view.features)}
    parser = RowParser([fields.get(name) or _Moment(name) for name in source_columns(view)])
    if view.known_time is None:
        return parser.parse(rows)
    arrival = {view.known_time: isoformat(now)}
    return parser.parse([arrival | row if isinstance(row, dict) else row for row in rows])


def ingest(platform: Platform, view: FeatureView, columns: Columns, *, transaction: str) -> int:
    """Append pushed rows to the view's source, write those that are known online, and return how many were news there.

    The columns are those of a queued entry whose table is the view's name. Repeated with the same transaction it
    appends nothing and writes nothing new. Where nothing else was appended in between, the view's checkpoint moves
    along, so that `materialize` need not read these rows again.

    Raises:
        InvalidInputError: the columns do not fit the source; nothing was appended.
        UnavailableError: repeat it with the same transaction.
    """
    now = _to_the_microsecond(platform.clock())
    start = checkpoints.load(platform.table, view)
    version = platform.lake.append(view.source, columns, schema=source_columns(view), transaction=transaction)
    known_times = moments(columns[view.known_time or view.event_time])
    written = _write_known(platform, view, columns, now=now)
    if start.version == version - 1:
        later = known_times[known_times > now]
        waiting = [float(later.min())] if len(later) else []
        pending = min([*waiting, *([] if start.pending is None else [start.pending])], default=None)
        checkpoints.advance(platform.table, view, replace(start, version=version, pending=pending))
    return written


def _write_known(platform: Platform, view: FeatureView, columns: Columns, *, now: float) -> int:
    known = moments(columns[view.known_time or view.event_time]) <= now
    return OnlineStore(platform.table).write(view, take(columns, known))


def _to_the_microsecond(moment: float) -> float:
    """Return a moment as a column has it, so that what is known from this very moment on is known."""
    return round(moment * 1e6) / 1e6
