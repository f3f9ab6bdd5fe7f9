"""What a Delta table's log says of single commits, read from its files.

See https://github.com/delta-io/delta/blob/master/PROTOCOL.md: `_delta_log/<20 digits>.json` has one action a line.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from adapters.delta.storage import Storage
from loopwright.errors import NotFoundError

LOG: Final = "_delta_log"
LAST_CHECKPOINT: Final = "_last_checkpoint"

_DIGITS: Final = 20
_CHECKPOINT: Final = ".checkpoint.parquet"
_ENTRIES: Final = (".json", ".parquet")


class _Add(msgspec.Struct, frozen=True):
    path: str
    dataChange: bool = True  # noqa: N815 - the protocol's name


class _Remove(msgspec.Struct, frozen=True):
    path: str


class _Transaction(msgspec.Struct, frozen=True):
    appId: str  # noqa: N815 - the protocol's name


class _Action(msgspec.Struct, frozen=True):
    add: _Add | None = None
    remove: _Remove | None = None
    txn: _Transaction | None = None


_decoder = msgspec.json.Decoder(_Action)


def commit_name(version: int) -> str:
    """Return the name of the commit that made a version, in a table's log."""
    return f"{version:020}.json"


def forget(storage: Storage, table: str, *, keep: Iterable[int], before: float) -> None:
    """Delete the log that nobody reads: older than the versions in `keep` and than that of a moment (of files' times).

    A version is read from the checkpoint before it on, so that stays with all that came after it. Files go in their
    order, so whoever is interrupted leaves a whole log. To others a version without a commit has expired.
    """
    files = {file.name: file.modified for file in storage.log(table) if _is_entry(file.name)}
    entries = [(int(name[:_DIGITS]), name) for name in sorted(files)]
    then = [version for version, name in entries if name.endswith(".json") and files[name] < before]
    if not then:
        return
    needed = min(max(then), *keep)
    bases = [version for version, name in entries if name.endswith(_CHECKPOINT) and version <= needed]
    storage.forget(table, [name for version, name in entries if version < max(bases, default=0)])


def _is_entry(name: str) -> bool:
    return name[:_DIGITS].isdecimal() and name.endswith(_ENTRIES)


def appended_files(storage: Storage, table: str, *, since: int, until: int) -> Iterator[str]:
    """Yield the data files that appends brought after version `since` up to `until`, compacted or not.

    Raises:
        NotFoundError: a commit in between has expired.
    """
    for _, actions in _actions(storage, table, range(since + 1, until + 1)):
        for action in actions:
            if action.add is not None and action.add.dataChange:
                yield action.add.path


def before_removals(storage: Storage, table: str, *, since: int, until: int) -> Iterator[int]:
    """Yield the versions in [since, until) that the next one took files from.

    Together with `since` and `until` they need every file that any version from the one to the other needs.

    Raises:
        NotFoundError: a commit in between has expired.
    """
    for version, actions in _actions(storage, table, range(since + 1, until + 1)):
        if any(action.remove is not None for action in actions):
            yield version - 1


def version_of(storage: Storage, table: str, transaction: str, *, first: int, newest: int) -> int:
    """Return the version that a transaction made, `first` or a later one.

    When its commit is gone it is the newest one, which holds its rows too.
    """
    try:
        for version, actions in _actions(storage, table, range(first, newest + 1)):
            if any(action.txn is not None and action.txn.appId == transaction for action in actions):
                return version
    except NotFoundError:
        pass
    return newest


def _actions(storage: Storage, table: str, versions: range) -> Iterator[tuple[int, list[_Action]]]:
    for version, content in zip(versions, storage.commits(table, versions), strict=True):
        if content is None:
            raise NotFoundError(f"lake table {table}, version {version}: it has expired")
        yield version, [_decoder.decode(line) for line in content.splitlines()]
