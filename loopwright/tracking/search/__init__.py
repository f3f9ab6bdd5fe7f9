"""MLflow's search grammar: filters and orders over runs, experiments, logged models, registered models and versions.

    wanted = parse_filter("metrics.auc > 0.8 and params.model = 'rf'", RUNS)
    order = parse_order(["metrics.auc DESC"], RUNS)
    page = paged((thing for thing in things if wanted.accepts(thing)), order, size=100, token="")

What is read, what is refused and how things compare is as on MLflow's server with SQLite.
"""

from loopwright.tracking.search.filters import Clause, Filter
from loopwright.tracking.search.orders import Order, Term
from loopwright.tracking.search.pages import Page, paged
from loopwright.tracking.search.schemas import (
    EXPERIMENTS,
    LOGGED_MODELS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
    Schema,
    ordered,
    parse_filter,
    parse_order,
)
from loopwright.tracking.search.things import Dataset, Facts, Thing

__all__ = [
    "EXPERIMENTS",
    "LOGGED_MODELS",
    "MODEL_VERSIONS",
    "REGISTERED_MODELS",
    "RUNS",
    "Clause",
    "Dataset",
    "Facts",
    "Filter",
    "Order",
    "Page",
    "Schema",
    "Term",
    "Thing",
    "ordered",
    "paged",
    "parse_filter",
    "parse_order",
]
