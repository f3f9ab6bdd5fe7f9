"""Where a lake's Delta tables lie, and the few looks at their files that `deltalake` does not take."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Protocol


class News(Enum):
    """What a log says of a version that was the newest: it still is, there is a newer one, its commit is gone."""

    NONE = auto()
    NEWER = auto()
    EXPIRED = auto()


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file in a table's `_delta_log`: its name and when it was written, by the storage's clock."""

    name: str
    modified: float


class Storage(Protocol):
    """The files of a lake's tables. No table's folder holds another table's.

    Its methods raise what the ports raise, or `OSError`, which the lake translates.
    """

    heard: bool
    """Whether who writes a commit always hears how it went. Where not, one commit may be written twice."""

    def location(self, table: str) -> Path | str:
        """Return where `deltalake` finds the table."""
        ...

    def options(self) -> Mapping[str, str] | None:
        """Return what `deltalake` must know to open a table now; another object when it has changed."""
        ...

    def exists(self, table: str) -> bool:
        """Return whether there is such a table; the first commits of an old one may be gone."""
        ...

    def news(self, table: str, version: int) -> News:
        """Return whether a version that was the newest once still is."""
        ...

    def has_commit(self, table: str, version: int) -> bool:
        """Return whether the commit that made a version is still there."""
        ...

    def commits(self, table: str, versions: Iterable[int]) -> Iterator[bytes | None]:
        """Yield the commits that made the versions, in their order; None: it is gone."""
        ...

    def has_files(self, table: str, paths: Iterable[str]) -> bool:
        """Return whether all of a table's data files with these paths are there."""
        ...

    def log(self, table: str) -> list[LogFile]:
        """Return what is in the table's log."""
        ...

    def forget(self, table: str, names: Iterable[str]) -> None:
        """Delete files of the table's log, one after the other, in this order."""
        ...

    def create(self, table: str, make: Callable[[Path | str], None]) -> bool:
        """Have a table of one version made, and return True; False: there is one already, and nothing was done.

        `make` makes it in a place that it is given. Of several who create a table at once one gets True.
        """
        ...

    def tables(self) -> list[str]:
        """Return the names of all tables, in any order."""
        ...
