"""Searches through experiments and runs, with MLflow's filters and orders, a page at a time."""

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

import msgspec

from loopwright.clock import Clock, NewId
from loopwright.errors import InvalidInputError
from loopwright.ports.table import Table
from loopwright.tracking import keys
from loopwright.tracking.experiments import kept
from loopwright.tracking.found import FoundRun
from loopwright.tracking.heads import Heads
from loopwright.tracking.limits import checked_experiment_id
from loopwright.tracking.logs import Logs
from loopwright.tracking.search import EXPERIMENTS, RUNS, Facts, Filter, Page, paged, parse_filter, parse_order
from loopwright.tracking.search.orders import Ranked
from loopwright.tracking.search.pages import foreign, place_of, token_of
from loopwright.tracking.values import Experiment, Run, View

MOST_RESULTS: Final = 50_000
"""The largest page that a search may ask for."""

_SHOWN: Final[Mapping[View, tuple[bool, ...]]] = {"active": (True,), "deleted": (False,), "all": (True, False)}
"""Whether runs that live are shown, and those that do not."""

_FIRST: Final = 512
"""How many runs are asked for at once at first, by those who may refuse some."""

_NATURAL: Final = parse_order((), RUNS)


class RunPage(msgspec.Struct, frozen=True):
    """Runs that were found, and the token of the next page; empty: there is none."""

    found: Sequence[FoundRun]
    token: str = ""

    @property
    def runs(self) -> list[Run]:
        """The runs themselves."""
        return [one.run for one in self.found]


class ExperimentPage(msgspec.Struct, frozen=True):
    """Experiments that were found, and the token of the next page; empty: there is none."""

    experiments: Sequence[Experiment]
    token: str = ""


class Searches(Logs):
    """Searches by MLflow's grammar: see `loopwright.tracking.search`."""

    def __init__(self, table: Table, *, clock: Clock, new_id: NewId) -> None:
        super().__init__(table, clock=clock, new_id=new_id)
        self._heads = Heads(table)

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        *,
        filter_by: str = "",
        view: View = "active",
        size: int = 1_000,
        order_by: Sequence[str] = (),
        token: str = "",
    ) -> RunPage:
        """Return a page of the runs of these experiments that a filter accepts, without reading a history.

        By itself the newest come first, and of those that started in one millisecond the one with the least identity;
        then no more is read than the page needs. Any other order has to look at all runs. An experiment that is not
        there has no runs.

        Raises:
            InvalidInputError: filter, order, size or token are none.
        """
        _check_size(size)
        wanted = parse_filter(filter_by, RUNS)
        order = parse_order(order_by, RUNS)
        experiments = self._those_of(experiment_ids)
        if order == _NATURAL:
            page = _newest(self._heads, experiments, _Asked(wanted, view, size), token)
        else:
            runs = (run for one in experiments for run in self._heads.newest_first(one))
            shown = _SHOWN[view]
            found = (run for run in runs if (run.deleted is None) in shown and wanted.accepts(run))
            page = paged(found, order, size=size, token=token)
        return RunPage(page.found, page.token)

    def search_experiments(
        self,
        *,
        filter_by: str = "",
        view: View = "active",
        size: int = 1_000,
        order_by: Sequence[str] = (),
        token: str = "",
    ) -> ExperimentPage:
        """Return a page of the experiments that a filter accepts, by itself the newest first.

        Raises:
            InvalidInputError: filter, order, size or token are none.
        """
        _check_size(size)
        wanted = parse_filter(filter_by, EXPERIMENTS)
        order = parse_order(order_by, EXPERIMENTS)
        listed = {one.id: one for one in self.experiments(view=view, default=True)}
        found = (facts for facts in map(_facts, listed.values()) if wanted.accepts(facts))
        page = paged(found, order, size=size, token=token)
        return ExperimentPage([listed[str(one.attributes["experiment_id"])] for one in page.found], page.token)

    def _those_of(self, experiment_ids: Sequence[str]) -> list[Experiment]:
        places = [keys.experiment_key(checked_experiment_id(one)) for one in dict.fromkeys(experiment_ids)]
        return [kept(item, Experiment) for item in self._table.get_many(places) if item is not None]


def _facts(experiment: Experiment) -> Facts:
    return Facts(
        attributes={
            "name": experiment.name,
            "experiment_id": experiment.id,
            "creation_time": round(experiment.created * 1e3),
            "last_update_time": round(experiment.updated * 1e3),
        },
        tags=experiment.tags,
    )


class _Asked(msgspec.Struct, frozen=True):
    wanted: Filter
    view: View
    size: int


def _newest(heads: Heads, experiments: Sequence[Experiment], asked: _Asked, token: str) -> Page[FoundRun]:
    """Return a page in the natural order; reading stops where the page is full."""
    last = _last(token) if token else None
    # The runs of the last one's millisecond are read again: they are stored by microsecond, and by falling identity.
    before = None if last is None else f"{keys.RUNS}{round(-last[1]) * 1_000 + 501:020d}"
    first = max(asked.size + 2, _FIRST if asked.wanted.clauses else 0)
    streams = [_by_identity(heads.newest_first(one, before=before, first=first)) for one in experiments]
    merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=_NATURAL.place)
    shown = _SHOWN[asked.view]
    found: list[FoundRun] = []
    for run in merged:
        if last is not None:
            if _NATURAL.place(run) <= last:
                continue
            last = None
        if (run.deleted is None) in shown and asked.wanted.accepts(run):
            found.append(run)
            if len(found) > asked.size:
                break
    more = len(found) > asked.size
    found = found[: asked.size]
    return Page(found, token_of(_NATURAL.place(found[-1]), _NATURAL) if more else "")


def _last(token: str) -> Ranked:
    place = place_of(token, _NATURAL)
    _, start, _, run_id = place
    if not isinstance(start, float) or not math.isfinite(start) or not isinstance(run_id, str):
        raise foreign(token)
    return place


def _by_identity(runs: Iterable[FoundRun]) -> Iterator[FoundRun]:
    """Yield runs that come newest first, those of one millisecond by their identity."""
    for _, together in groupby(runs, key=attrgetter("started_ms")):
        yield from sorted(together, key=attrgetter("head.id"))


def _check_size(size: int) -> None:
    if not 1 <= size <= MOST_RESULTS:
        raise InvalidInputError(f"a page of {size:,} results: ask for 1 to {MOST_RESULTS:,}")
