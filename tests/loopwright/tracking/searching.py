"""A table that counts what is read, runs to be found, and searches to the last page."""

from collections.abc import Iterator, Sequence

from typing_extensions import override

from adapters.memory.table import MemoryTable
from loopwright.ports.table import Item, Key
from loopwright.tracking import Metric, Tracking, View


class CountingTable(MemoryTable):
    """A table that counts the items that it hands out."""

    read = 0

    @override
    def get_many(self, keys: Sequence[Key]) -> list[Item | None]:
        self.read += len(keys)
        return super().get_many(keys)

    @override
    def query(
        self,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[Item]:
        for item in super().query(partition, prefix=prefix, after=after, before=before, limit=limit, reverse=reverse):
            self.read += 1
            yield item

    @override
    def versions(
        self,
        partition: str,
        *,
        prefix: str = "",
        after: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        reverse: bool = False,
    ) -> Iterator[tuple[str, int]]:
        found = super().query(partition, prefix=prefix, after=after, before=before, limit=limit, reverse=reverse)
        return ((item.key.sort, item.version) for item in found)


def fill(tracking: Tracking, experiment: str, runs: int, *, prefix: str = "r", apart: float = 1.0) -> None:
    for number in range(runs):
        name = f"{prefix}{number:03}"
        tracking.create_run(experiment, name=name, run_id=name, started=1_000.0 + number * apart)
        tracking.log_batch(
            name, metrics=[Metric("auc", number % 10 / 10, 1_000.0)], params={"model": ("rf", "lr")[number % 2]}
        )


def found(
    tracking: Tracking,
    *experiments: str,
    filter_by: str = "",
    order_by: Sequence[str] = (),
    view: View = "active",
    size: int = 7,
) -> list[str]:
    """Return the identities of what all pages of a search have."""
    ids: list[str] = []
    token = ""
    while True:
        page = tracking.search_runs(
            experiments, filter_by=filter_by, order_by=order_by, view=view, size=size, token=token
        )
        assert len(page.found) == size or not page.token
        ids += [run.id for run in page.runs]
        token = page.token
        if not token:
            return ids
