"""Delta Lake through `deltalake`, in Loopwright's words and errors."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from loopwright.arrow import dtype_of
from loopwright.arrow import schema_of as arrow_schema
from loopwright.clock import isoformat
from loopwright.columns import DType
from loopwright.errors import DeniedError, InvalidInputError, LoopwrightError, UnavailableError
from loopwright.hashing import digest
from loopwright.ports.lake import ArrowStream, Maintenance, Selection

if TYPE_CHECKING:
    from arro3.core import Table
    from deltalake import CommitProperties, DeltaTable

_CONFIGURATION: Final = {
    "delta.appendOnly": "true",
    # So that appended rows can be told from compacted ones, commit by commit; an append writes nothing more for it.
    "delta.enableChangeDataFeed": "true",
    # A run's version must open for as long as somebody keeps its files: `log.forget` knows for how long.
    "delta.enableExpiredLogCleanup": "false",
    "delta.checkpointInterval": "50",
}
_DENIED: Final = (
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "401 Unauthorized",
    "403 Forbidden",
)
"""What stores say to those whom they do not let in."""

_SMALL: Final = 1_000_000
"""Bytes: the small compaction makes files up to this size and leaves larger ones to the nightly one."""

_HOUR: Final = 3_600
_DAY: Final = 24 * _HOUR


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what `deltalake` and arro3 raise into UnavailableError.

    Or into InvalidInputError where the types do not fit, and into DeniedError where a store lets nobody in.
    """
    from deltalake.exceptions import DeltaError, SchemaMismatchError

    try:
        yield
    except LoopwrightError:
        raise
    except SchemaMismatchError as error:
        raise InvalidInputError(f"could not {doing}: {error}") from error
    except (DeltaError, OSError) as error:
        raise _translation(error, doing) from error
    except Exception as error:
        # A stream that breaks off raises just that.
        if type(error) is Exception:
            raise _translation(error, doing) from error
        raise


def _translation(error: Exception, doing: str) -> LoopwrightError:
    # Where the environment asks Rust for backtraces, one follows in the message itself.
    first_line = str(error).partition("\n")[0]
    message = f"could not {doing}: {first_line}"
    return DeniedError(message) if any(sign in str(error) for sign in _DENIED) else UnavailableError(message)


def opened(
    location: Path | str, *, version: int | None = None, options: Mapping[str, str] | None = None
) -> "DeltaTable":
    """Return the table as it is at a version (None: the newest)."""
    from deltalake import DeltaTable

    return DeltaTable(location, version=version, storage_options=dict(options) if options else None)


def schema_of(table: "DeltaTable") -> dict[str, DType]:
    """Return the types of a table's columns in their order.

    Raises:
        InvalidInputError: somebody else wrote the table, with a type that a lake does not keep.
    """
    from arro3.core import Schema  # noqa: PLC0415

    arrow = Schema.from_arrow(table.schema())
    types = {name: dtype_of(found) for name, found in zip(arrow.names, arrow.types, strict=True)}
    if unknown := [name for name, dtype in types.items() if dtype is None]:
        raise InvalidInputError(f"{table.table_uri}: a lake keeps no columns like {', '.join(unknown)}")
    return cast("dict[str, DType]", types)


def create(location: Path | str, rows: "Table", *, transaction: str | None) -> None:
    """Make a table whose version 0 holds the rows.

    Of two who make one at once both would succeed, in two versions and without a look at each other's transaction: see
    `Storage.create`.
    """
    from deltalake import write_deltalake

    configuration = _CONFIGURATION | _statistics(rows)
    write_deltalake(
        location, rows, mode="append", configuration=configuration, commit_properties=_properties(transaction, 0)
    )


def append(table: "DeltaTable", rows: "Table", *, evolve: bool, transaction: str | None) -> bool:
    """Append rows, after which the table is at the version that holds them; False: somebody else was faster."""
    from deltalake import write_deltalake
    from deltalake.exceptions import CommitFailedError

    try:
        write_deltalake(
            table,
            rows,
            mode="append",
            schema_mode="merge" if evolve else None,
            commit_properties=_properties(transaction, table.version() + 1),
        )
    except CommitFailedError:
        return False
    return True


def _properties(transaction: str | None, version: int) -> "CommitProperties":
    """Return what a commit says of its transaction: also the first version that it may have made."""
    from deltalake import CommitProperties, Transaction

    return CommitProperties(app_transactions=[] if transaction is None else [Transaction(transaction, version)])


def _statistics(rows: "Table") -> dict[str, str]:
    """Return the setting that keeps statistics of time columns only: no other is selected by, and each costs a read."""
    names = [name for name, dtype in arrow_schema(rows).items() if dtype == "time" and "`" not in name]
    if not names:
        return {"delta.dataSkippingNumIndexedCols": "0"}
    return {"delta.dataSkippingStatsColumns": ",".join(f"`{name}`" for name in names)}


def compact_small(table: "DeltaTable") -> bool:
    """Make one file of the small ones that are there; False when nothing came of it, which does no harm."""
    from deltalake.exceptions import DeltaError

    try:
        table.optimize.compact(target_size=_SMALL)
    except (DeltaError, OSError):
        return False
    return True


def scan(table: "DeltaTable", selection: Selection, names: tuple[str, ...]) -> ArrowStream:
    """Return the chosen rows; files whose statistics rule them out are not opened."""
    return table.scan(columns=list(names), predicate=_predicate(selection))


def appended(table: "DeltaTable", selection: Selection, names: tuple[str, ...], *, since: int) -> ArrowStream:
    """Return the chosen rows among those appended after version `since` up to the table's own version."""
    return table.load_cdf(
        starting_version=since + 1,
        ending_version=table.version(),
        # Unlike `scan` it reads a column's name as SQL.
        columns=[_quoted(name) for name in names],
        predicate=_predicate(selection),
    )


def files(table: "DeltaTable") -> list[tuple[str, int]]:
    """Return the paths and sizes of a version's data files."""
    from arro3.core import Table  # noqa: PLC0415

    actions = Table.from_arrow(table.get_add_actions())
    return list(zip(actions.column("path").to_pylist(), actions.column("size_bytes").to_pylist(), strict=True))


def content_digest(table: "DeltaTable") -> str:
    """Return the digest of a version's data files: their names are never used again, so it is that of their content."""
    return digest("\n".join(f"{size} {path}" for path, size in sorted(files(table))).encode())


def maintain(table: "DeltaTable", *, keep_seconds: float, keep_versions: list[int]) -> Maintenance:
    """Compact small files and delete those that only expired versions need; see `Lake.maintain`."""
    before = len(files(table))
    if before > 1:
        table.optimize.compact()
    keep = [*keep_versions, table.version()]
    # Files that no commit names belong to writers that died, once they are old enough not to be still at work.
    hours, full = int(-(-keep_seconds // _HOUR)), keep_seconds >= _DAY
    doomed = _vacuum(table, hours, keep, full=full, rehearse=True)
    if doomed:
        _vacuum(table, hours, keep, full=full, rehearse=False)
    table.create_checkpoint()
    return Maintenance(before, len(files(table)), len(doomed))


def _vacuum(table: "DeltaTable", hours: int, keep: list[int], *, full: bool, rehearse: bool) -> list[str]:
    return table.vacuum(
        retention_hours=hours, dry_run=rehearse, enforce_retention_duration=False, full=full, keep_versions=keep
    )


def _predicate(selection: Selection) -> str | None:
    terms: list[str] = []
    for between in selection.where:
        column = _quoted(between.column)
        if between.low is None and between.high is None:
            terms.append(f"{column} IS NOT NULL")
        if between.low is not None:
            terms.append(f"{column} >= '{isoformat(between.low)}'")
        if between.high is not None:
            terms.append(f"{column} < '{isoformat(between.high)}'")
    return " AND ".join(terms) or None


def _quoted(column: str) -> str:
    # No column's name has a quote in it.
    return f'"{column}"'
