"""A lake's tables in a bucket: `a/b` is in `lake/a-/b`, so that no table's folder holds another's."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Final

from typing_extensions import override

from adapters.delta.log import LOG, commit_name
from adapters.delta.storage import LogFile, News, Storage
from adapters.objects import Objects
from loopwright.errors import ConflictError, NotFoundError
from loopwright.ports.blobs import ABSENT

_LAKE: Final = "lake/"
_AT_ONCE: Final = 8
"""How many commits are read at the same time: each is a call of some ten milliseconds."""

Options = Callable[[], Mapping[str, str]]


class BucketFolders(Storage):
    """Folders in a bucket, of which commits are conditional writes and no locks; files' times are the store's."""

    heard = False

    def __init__(self, bucket: Objects, scheme: str, options: Options) -> None:
        """`scheme` is how addresses of the store begin, such as `s3`; `options` is as `Storage.options`."""
        self._bucket = bucket
        self._scheme = scheme
        self._options = options

    @override
    def location(self, table: str) -> str:
        return f"{self._scheme}://{self._bucket.name}/{_folder(table)}"

    @override
    def options(self) -> Mapping[str, str]:
        return self._options()

    @override
    def exists(self, table: str) -> bool:
        return bool(self._bucket.page(f"{_folder(table)}/{LOG}/", most=1).objects)

    @override
    def news(self, table: str, version: int) -> News:
        # One call tells both: the commit itself, and whether anything of a later version follows it.
        log, commit = f"{_folder(table)}/{LOG}/", commit_name(version)
        found = self._bucket.page(log, after=log + commit.removesuffix("json"), most=2).objects
        names = [each.key.removeprefix(log) for each in found]
        if commit not in names:
            return News.EXPIRED
        return News.NEWER if any(name > commit and name[0].isdecimal() for name in names) else News.NONE

    @override
    def has_commit(self, table: str, version: int) -> bool:
        return self._bucket.has(_commit(table, version))

    @override
    def commits(self, table: str, versions: Iterable[int]) -> Iterator[bytes | None]:
        waiting = iter(versions)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while some := list(islice(waiting, _AT_ONCE)):
                yield from pool.map(lambda version: self._content(_commit(table, version)), some)

    @override
    def has_files(self, table: str, paths: Iterable[str]) -> bool:
        # A listing tells of a thousand files at once; the log's names come before those that `deltalake` gives.
        folder = f"{_folder(table)}/"
        listed = {each.key for each in self._bucket.list(folder, after=f"{folder}{LOG}/~")}
        return all(key in listed or self._bucket.has(key) for key in (folder + path for path in paths))

    @override
    def log(self, table: str) -> list[LogFile]:
        log = f"{_folder(table)}/{LOG}/"
        return [LogFile(each.key.removeprefix(log), each.modified) for each in self._bucket.list(log)]

    @override
    def forget(self, table: str, names: Iterable[str]) -> None:
        for name in names:
            self._bucket.delete(f"{_folder(table)}/{LOG}/{name}")

    @override
    def create(self, table: str, make: Callable[[Path | str], None]) -> bool:
        """Have the table made on disk and move it here, its commit last: that one is only taken where there is none."""
        if self.exists(table):
            return False
        with tempfile.TemporaryDirectory() as folder:
            make(Path(folder))
            files = [path for path in Path(folder).rglob("*.parquet") if LOG not in path.parts]
            keys = [f"{_folder(table)}/{path.relative_to(folder)}" for path in files]
            for key, path in zip(keys, files, strict=True):
                self._bucket.put(key, path.read_bytes())
            commit = (Path(folder) / LOG / commit_name(0)).read_bytes()
        try:
            self._bucket.put(_commit(table, 0), commit, expect=ABSENT)
        except ConflictError:
            for key in keys:
                self._bucket.delete(key)
            return False
        return True

    @override
    def tables(self) -> list[str]:
        return list(self._below(""))

    def _below(self, parent: str) -> Iterator[str]:
        begin = _LAKE + "".join(f"{part}-/" for part in parent.split("/") if part)
        for found in self._bucket.folders(begin):
            name = found.removeprefix(begin).removesuffix("/")
            table = f"{parent}/{name.removesuffix('-')}".lstrip("/")
            if name.endswith("-"):
                yield from self._below(table)
            elif self.exists(table):
                yield table

    def _content(self, key: str) -> bytes | None:
        try:
            return self._bucket.get(key).data
        except NotFoundError:
            return None


def _folder(table: str) -> str:
    return _LAKE + table.replace("/", "-/")


def _commit(table: str, version: int) -> str:
    return f"{_folder(table)}/{LOG}/{commit_name(version)}"
