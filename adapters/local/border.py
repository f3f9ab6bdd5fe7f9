"""Where the machine's errors become Loopwright's."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from loopwright.errors import IntegrityError, UnavailableError


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what files and SQLite raise into UnavailableError, or IntegrityError where stored bytes are damaged."""
    try:
        yield
    except OSError as error:
        raise UnavailableError(f"could not {doing}: {error}") from error
    except sqlite3.OperationalError as error:
        # On a full disk SQLite cannot even make the file that its readers share, and calls that an I/O error.
        hint = "; is the disk full?" if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR else ""
        raise UnavailableError(f"could not {doing}: {error}{hint}") from error
    except sqlite3.DatabaseError as error:
        raise IntegrityError(f"could not {doing}: {error}") from error
