"""Versioned, append-only tables of columns: observations, feature sources, logged predictions and labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from loopwright.dtypes import Columns, DType


class ArrowStream(Protocol):
    """Anything that hands out its rows through the Arrow C stream interface, batch by batch."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return a PyCapsule named `arrow_array_stream`."""
        ...


@dataclass(frozen=True, slots=True)
class Between:
    """Keep rows with `low` <= column < `high`, as moments (seconds UTC) of a time column. None: open on that side."""

    column: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Maintenance:
    """What keeping a table in order did: files before and after compaction, files deleted by expiry."""

    files_before: int
    files_after: int
    files_expired: int


@dataclass(frozen=True, slots=True)
class Selection:
    """What to read of a table: which columns (None: all) and which rows."""

    columns: tuple[str, ...] | None = None
    where: tuple[Between, ...] = field(default=())


EVERYTHING: Final = Selection()


class Lake(Protocol):
    """Append-only tables with time travel; every append makes the next version of its table.

    A table's name is `[a-z0-9_]+(/[a-z0-9_]+)*`. Its columns have the types of `loopwright.columns.DType`: float64,
    int64, utf8, bool and timestamp[us, UTC], all nullable, under any name without control characters and double quotes.
    NaN and the empty text are kept as nulls. A new table takes the columns of its first append; later appends may bring
    new columns (older rows read as null) and leave some out, but a type never changes: `InvalidInputError` names the
    column and both types.
    """

    def append(
        self,
        table: str,
        rows: Columns | ArrowStream,
        *,
        schema: Mapping[str, DType] | None = None,
        transaction: str | None = None,
    ) -> int:
        """Append rows and return the version that holds them; the table is made when it is new.

        An array of float64 may be a column of floats, integers or booleans: it is what `schema` says of its name, else
        what the table has, else float. `schema` may leave names out; a stream brings its own types and needs none.

        With a `transaction` the append happens once: repeated with the same transaction, in a race too, it appends
        nothing. Concurrent appends all land. Appending no rows to an existing table makes no version.

        Raises:
            InvalidInputError: the rows' columns do not fit the table.
            UnavailableError: nothing was appended.
        """
        ...

    def version(self, table: str) -> int | None:
        """Return the newest version, counted from 0; None where there is no such table."""
        ...

    def schema(self, table: str, *, version: int | None = None) -> Mapping[str, DType]:
        """Return the columns' types in their order, or raise `NotFoundError`."""
        ...

    def read(self, table: str, selection: Selection = EVERYTHING, *, version: int | None = None) -> ArrowStream:
        """Return the rows of a version (None: the newest) as a stream that is read once, in no promised order.

        Raises:
            NotFoundError: no such table, or the version has expired.
        """
        ...

    def read_columns(self, table: str, selection: Selection = EVERYTHING, *, version: int | None = None) -> Columns:
        """Return the same rows as `read`, as columns in memory."""
        ...

    def changes(self, table: str, *, since: int, until: int, selection: Selection = EVERYTHING) -> ArrowStream:
        """Return the rows that were appended after version `since` and up to version `until`, each once.

        `since=-1` is from the very start. Compaction adds no rows to any version and takes none away.

        Raises:
            NotFoundError: no such table, or a version in between has expired.
        """
        ...

    def changed_columns(self, table: str, *, since: int, until: int, selection: Selection = EVERYTHING) -> Columns:
        """Return the same rows as `changes`, as columns in memory."""
        ...

    def digest(self, table: str, *, version: int | None = None) -> str:
        """Return `sha256:…` of a version's content: for one version always the same, for other rows another one."""
        ...

    def maintain(
        self, table: str, *, keep_seconds: float, keep_versions: Sequence[int] = (), keep_since: int | None = None
    ) -> Maintenance:
        """Compact small files, then delete files that only versions older than `keep_seconds` need.

        The newest version and those in `keep_versions` stay readable, with unchanged digests, and so do version
        `keep_since` (None: no such version) and all that came after it, with the changes between them; readers are not
        disturbed.
        """
        ...

    def tables(self) -> list[str]:
        """Return the names of all tables, sorted."""
        ...
