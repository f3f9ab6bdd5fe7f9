"""What a Delta table's log says of single commits, read from its files.

See https://github.com/delta-io/delta/blob/master/PROTOCOL.md: `_delta_log/<20 digits>.json` has one action a line.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from loopwright.errors import NotFoundError


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


def commit_file(folder: Path, version: int) -> Path:
    """Return where the commit that made a version is, or will be."""
    return folder / "_delta_log" / f"{version:020}.json"


def appended_files(folder: Path, *, since: int, until: int) -> Iterator[str]:
    """Yield the data files that appends brought after version `since` up to `until`, compacted or not.

    Raises:
        NotFoundError: a commit in between has expired.
    """
    for version in range(since + 1, until + 1):
        for action in _actions(folder, version):
            if action.add is not None and action.add.dataChange:
                yield action.add.path


def before_removals(folder: Path, *, since: int, until: int) -> Iterator[int]:
    """Yield the versions in [since, until) that the next one took files from.

    Together with `since` and `until` they need every file that any version from the one to the other needs.

    Raises:
        NotFoundError: a commit in between has expired.
    """
    for version in range(since + 1, until + 1):
        if any(action.remove is not None for action in _actions(folder, version)):
            yield version - 1


def version_of(folder: Path, transaction: str, newest: int) -> int:
    """Return the version that a transaction made; the newest one, which holds its rows too, when its commit is gone."""
    for version in range(newest, -1, -1):
        try:
            actions = _actions(folder, version)
        except NotFoundError:
            return newest
        if any(action.txn is not None and action.txn.appId == transaction for action in actions):
            return version
    return newest


def _actions(folder: Path, version: int) -> list[_Action]:
    try:
        content = commit_file(folder, version).read_bytes()
    except FileNotFoundError as error:
        raise NotFoundError(f"version {version} of {folder.name} has expired") from error
    return [_decoder.decode(line) for line in content.splitlines()]
