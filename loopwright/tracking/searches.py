"""Searches through experiments and runs, with MLflow's filters and orders, a page at a time."""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from loopwright.clock import Clock, NewId
from loopwright.errors import InvalidInputError
from loopwright.ports.table import Table
from loopwright.tracking import keys
from loopwright.tracking.experiments import in_view, kept
from loopwright.tracking.found import FoundRun
from loopwright.tracking.heads import Heads
from loopwright.tracking.locations import experiment_location
from loopwright.tracking.logs import Logs
from loopwright.tracking.search import EXPERIMENTS, RUNS, Facts, Filter, paged, parse_filter, parse_order
from loopwright.tracking.search.orders import Order
from loopwright.tracking.search.pages import place_of, token_of
from loopwright.tracking.values import Experiment, Run, View

MOST_RESULTS: Final = 50_000
"""The largest page that a search may ask for."""

_NATURAL: Final = parse_order((), RUNS)


@dataclass(frozen=True, slots=True)
class RunPage:
    """Runs that were found, each with its experiment, and the token of the next page; empty: there is none."""

    runs: Sequence[tuple[Run, Experiment]]
    token: str = ""


@dataclass(frozen=True, slots=True)
class ExperimentPage:
    """Experiments that were found, and the token of the next page; empty: there is none."""

    experiments: Sequence[Experiment]
    token: str = ""
