"""Runs read back whole, wherever their parts are."""

from typing import Final

from loopwright.errors import NotFoundError, UnavailableError
from loopwright.optimistic import ATTEMPTS
from loopwright.ports.table import Item, Key, Table
from loopwright.tracking import keys
from loopwright.tracking.entries import Entries
from loopwright.tracking.experiments import kept, no_experiment
from loopwright.tracking.limits import checked_run_id
from loopwright.tracking.record import Record, head_of, packed_of
from loopwright.tracking.values import Experiment

_REMEMBERED: Final = 10_000
"""Of so many runs it is remembered where they are, which never changes."""


class Records:
    """Finds runs and reads them."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._homes: dict[str, Key] = {}

    def read(self, run_id: str) -> Record:
        """Return a run with its experiment, or raise `NotFoundError`."""
        home = self.home(run_id)
        experiment_id = home.partition.partition("/")[2]
        experiment, head = self._table.get_many([keys.experiment_key(experiment_id), home])
        if experiment is None:
            raise no_experiment(experiment_id)
        if head is None:
            raise _no_run(run_id)
        return self.whole(head, kept(experiment, Experiment))

    def whole(self, item: Item, experiment: Experiment) -> Record:
        """Return the run whose head this is, with its further parts, all of one moment.

        Raises:
            UnavailableError: too many write the run at once.
        """
        for _ in range(ATTEMPTS):
            head = head_of(item)
            further = [keys.part_key(head.id, number + 1) for number in range(head.parts)]
            parts = self._table.get_many(further) if further else []
            # Without further parts there is nothing that could have changed since the head was read.
            again = self._table.get(item.key) if further else item
            if again is None:
                raise _no_run(head.id)
            if again.version == item.version:
                packed = [packed_of(part) for part in (item, *parts) if part is not None]
                return Record(head, Entries(packed), experiment, item.version)
            item = again
        raise UnavailableError(f"run {item.key.sort} is being written by too many at once: try again")

    def home(self, run_id: str) -> Key:
        """Return where the run's head is, or raise `NotFoundError`."""
        known = self._homes.get(run_id)
        if known is not None:
            return known
        pointer = self._table.get(keys.home_key(checked_run_id(run_id)))
        if pointer is None:
            raise _no_run(run_id)
        home = Key(str(pointer.value["partition"]), str(pointer.value["sort"]))
        self.remember(run_id, home)
        return home

    def remember(self, run_id: str, home: Key) -> None:
        """Remember where a run's head is."""
        if len(self._homes) >= _REMEMBERED:
            self._homes.clear()
        self._homes[run_id] = home


def _no_run(run_id: str) -> NotFoundError:
    return NotFoundError(f"there is no run {run_id!r}: list an experiment's runs")
