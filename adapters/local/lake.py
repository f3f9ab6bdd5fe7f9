"""Versioned tables as Delta tables in folders; `a/b` is in `a~/b`, so that no table's folder holds another table's."""

import fcntl
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from typing_extensions import override

from adapters.delta.lake import DeltaLake
from adapters.delta.log import LAST_CHECKPOINT, LOG, commit_name
from adapters.delta.storage import LogFile, News, Storage


class LocalLake(DeltaLake):
    """Delta tables in folders below one folder. Files' times are the machine's."""

    def __init__(self, root: Path) -> None:
        super().__init__(LocalFolders(root))


class LocalFolders(Storage):
    """Folders below one folder."""

    heard = True

    def __init__(self, root: Path) -> None:
        self._root = root

    @override
    def location(self, table: str) -> Path:
        *folders, name = table.split("/")
        return self._root.joinpath(*(f"{folder}~" for folder in folders), name)

    @override
    def options(self) -> Mapping[str, str] | None:
        return None

    @override
    def exists(self, table: str) -> bool:
        return self.has_commit(table, 0) or (self.location(table) / LOG / LAST_CHECKPOINT).exists()

    @override
    def news(self, table: str, version: int) -> News:
        log = self.location(table) / LOG
        if not (log / commit_name(version)).exists():
            return News.EXPIRED
        return News.NEWER if (log / commit_name(version + 1)).exists() else News.NONE

    @override
    def has_commit(self, table: str, version: int) -> bool:
        return (self.location(table) / LOG / commit_name(version)).exists()

    @override
    def commits(self, table: str, versions: Iterable[int]) -> Iterator[bytes | None]:
        log = self.location(table) / LOG
        for version in versions:
            try:
                content = (log / commit_name(version)).read_bytes()
            except FileNotFoundError:
                yield None
            else:
                yield content

    @override
    def has_files(self, table: str, paths: Iterable[str]) -> bool:
        folder = self.location(table)
        return all((folder / path).exists() for path in paths)

    @override
    def log(self, table: str) -> list[LogFile]:
        return [LogFile(path.name, path.stat().st_mtime) for path in (self.location(table) / LOG).iterdir()]

    @override
    def forget(self, table: str, names: Iterable[str]) -> None:
        for name in names:
            (self.location(table) / LOG / name).unlink(missing_ok=True)

    @override
    def create(self, table: str, make: Callable[[Path | str], None]) -> bool:
        self._root.mkdir(parents=True, exist_ok=True)
        with (self._root / ".creation").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if self.exists(table):
                return False
            make(self.location(table))
            return True

    @override
    def tables(self) -> list[str]:
        signs = (commit_name(0), LAST_CHECKPOINT)
        folders = {path.parent.parent for sign in signs for path in self._root.glob(f"**/{LOG}/{sign}")}
        return [str(folder.relative_to(self._root)).replace("~/", "/") for folder in folders]
