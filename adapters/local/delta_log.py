"""What a Delta table's log says of single commits, read from its files.

See https://github.com/delta-io/delta/blob/master/PROTOCOL.md: `_delta_log/<20 digits>.json` has one action a line.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from loopwright.errors import NotFoundError

_DIGITS: Final = 20
_CHECKPOINT: Final = ".checkpoint.parquet"
_LAST_CHECKPOINT: Final = "_last_checkpoint"


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


def is_table(folder: Path) -> bool:
    """Return whether there is a table; the first commits of an old one may be gone."""
    return commit_file(folder, 0).exists() or (folder / "_delta_log" / _LAST_CHECKPOINT).exists()


def table_folders(root: Path) -> set[Path]:
    """Return the folders of all tables below a folder."""
    signs = (f"{0:020}.json", _LAST_CHECKPOINT)
    return {path.parent.parent for sign in signs for path in root.glob(f"**/_delta_log/{sign}")}


def forget(folder: Path, *, keep: Iterable[int], before: float) -> None:
    """Delete the log that nobody reads: older than the versions in `keep` and than that of a moment (of files' times).

    A version is read from the checkpoint before it on, so that stays with all that came after it. Files go in their
    order, so whoever is interrupted leaves a whole log. To others a version without a commit has expired.
    """
    entries = sorted((int(path.name[:_DIGITS]), path) for path in (folder / "_delta_log").iterdir() if _is_entry(path))
    then = [version for version, path in entries if path.suffix == ".json" and path.stat().st_mtime < before]
    if not then:
        return
    needed = min(max(then), *keep)
    bases = [version for version, path in entries if path.name.endswith(_CHECKPOINT) and version <= needed]
    for version, path in entries:
        if version < max(bases, default=0):
            path.unlink(missing_ok=True)


def _is_entry(path: Path) -> bool:
    return path.name[:_DIGITS].isdecimal() and path.suffix in {".json", ".parquet"}


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
