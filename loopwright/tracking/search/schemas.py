"""The five schemas: what can be asked of runs, experiments, logged models, registered models and their versions."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from loopwright.errors import InvalidInputError
from loopwright.tracking.search import logged_models
from loopwright.tracking.search.filters import Clause, Filter, Part
from loopwright.tracking.search.grammar import Comparison, read_filter
from loopwright.tracking.search.orders import Order, Term
from loopwright.tracking.search.rules import Rules


class Schema(msgspec.Struct, frozen=True):
    """What can be asked of one kind of things.

    Attributes:
        clause: says what a comparison means.
        term: says what a part of an order means.
        default: the order of those who ask for none.
        ties: what decides in the end, unless it was among what was asked for.
        repeats: whether an order may name the same thing twice.
    """

    clause: Callable[[Comparison], Clause]
    term: Callable[[str], Term]
    default: tuple[Term, ...]
    ties: tuple[Term, ...]
    repeats: bool = False


def parse_filter(text: str | None, schema: Schema) -> Filter:
    """Return the filter; no text is one that everything passes.

    Raises:
        InvalidInputError: MLflow would not take it for these things.
    """
    if not text:
        return Filter()
    if text.isspace():
        raise InvalidInputError("cannot read the filter: it is nothing but space")
    return Filter(tuple(schema.clause(written) for written in read_filter(text)))


def parse_order(order_by: Sequence[str] | None, schema: Schema) -> Order:
    """Return the order; ties are broken, so that no two things are at one place.

    Raises:
        InvalidInputError: MLflow would not take it for these things.
    """
    terms = tuple(schema.term(written) for written in order_by or ()) or schema.default
    return ordered(terms, schema)


def ordered(terms: Sequence[Term], schema: Schema) -> Order:
    """Return the order by these terms and, last, the schema's ties."""
    named = [(term.part, term.key) for term in terms]
    if len(set(named)) < len(named) and not schema.repeats:
        raise InvalidInputError(f"cannot order by {', '.join(key for _, key in named)}: one of them is there twice")
    return Order((*terms, *(tie for tie in schema.ties if (tie.part, tie.key) not in named)))


_MOMENTS: Final = {name: name for name in ("start_time", "end_time")}
_RUN_TEXTS: Final = {name: name for name in ("run_id", "run_name", "user_id", "status", "artifact_uri")}
_CREATED: Final = dict.fromkeys(("created", "Created"), "start_time")

_RUN_RULES: Final = Rules(
    parts={
        **dict.fromkeys(("metric", "metrics"), "metric"),
        **dict.fromkeys(("parameter", "parameters", "param", "params"), "param"),
        **dict.fromkeys(("tag", "tags"), "tag"),
        **dict.fromkeys(("attribute", "attributes", "attr", "run"), "attribute"),
        **dict.fromkeys(("dataset", "datasets"), "dataset"),
    },
    texts={**_RUN_TEXTS, **dict.fromkeys(("run name", "Run name", "Run Name"), "run_name")},
    numbers={**_MOMENTS, **_CREATED},
    lists=frozenset({"run_id"}),
    orders={**_RUN_TEXTS, **_MOMENTS, **_CREATED},
    whole=False,
    nullable=frozenset({"param", "tag"}),
    sorted_parts=frozenset({"metric", "param", "tag"}),
)

_PARTS: Final[Mapping[str, Part]] = {"attribute": "attribute", "tag": "tag", "tags": "tag"}

_EXPERIMENT_RULES: Final = Rules(
    parts=_PARTS,
    texts={"name": "name", "experiment_id": "experiment_id"},
    numbers={"creation_time": "creation_time", "last_update_time": "last_update_time"},
    lists=frozenset({"experiment_id"}),
    only_lists=frozenset({"experiment_id"}),
    orders={name: name for name in ("name", "experiment_id", "creation_time", "last_update_time")},
    nullable=frozenset({"tag"}),
    any_case=False,
)

_REGISTERED_MODEL_RULES: Final = Rules(
    parts=_PARTS, texts={"name": "name"}, numbers={}, lists=frozenset({"name"}), orders={}, quoted=False
)
_REGISTERED_MODEL_ORDERS: Final = Rules(
    parts={},
    texts={},
    numbers={},
    lists=frozenset(),
    orders={
        "name": "name",
        "timestamp": "last_updated_timestamp",
        "last_updated_timestamp": "last_updated_timestamp",
    },
    quoted=False,
)

_MODEL_VERSION_RULES: Final = Rules(
    parts=_PARTS,
    texts={"name": "name", "run_id": "run_id", "source_path": "source"},
    numbers={"version_number": "version"},
    lists=frozenset({"name", "run_id"}),
    orders={},
    numbers_in_quotes=True,
    quoted=False,
)
_MODEL_VERSION_ORDERS: Final = Rules(
    parts=_PARTS,
    texts={},
    numbers={},
    lists=frozenset(),
    orders={
        "name": "name",
        "version_number": "version",
        "creation_timestamp": "creation_timestamp",
        "last_updated_timestamp": "last_updated_timestamp",
    },
)


def _by(key: str, *, ascending: bool = True) -> Term:
    return Term("attribute", key, ascending)


RUNS: Final = Schema(
    _RUN_RULES.clause,
    _RUN_RULES.term,
    default=(),
    ties=(_by("start_time", ascending=False), _by("run_id")),
)
"""Attributes: run_id, run_name, user_id, status, artifact_uri, start_time, end_time."""

EXPERIMENTS: Final = Schema(
    _EXPERIMENT_RULES.clause,
    _EXPERIMENT_RULES.term,
    default=(_by("creation_time", ascending=False), _by("experiment_id")),
    ties=(_by("experiment_id", ascending=False),),
    repeats=True,
)
"""Attributes: name, experiment_id, creation_time, last_update_time."""

REGISTERED_MODELS: Final = Schema(
    _REGISTERED_MODEL_RULES.clause, _REGISTERED_MODEL_ORDERS.term, default=(), ties=(_by("name"),)
)
"""Attributes: name, last_updated_timestamp."""

MODEL_VERSIONS: Final = Schema(
    _MODEL_VERSION_RULES.clause,
    _MODEL_VERSION_ORDERS.term,
    default=(_by("last_updated_timestamp", ascending=False),),
    ties=(_by("name"), _by("version", ascending=False)),
)
"""Attributes: name, run_id, source, version (a number), creation_timestamp, last_updated_timestamp."""

LOGGED_MODELS: Final = Schema(
    logged_models.clause,
    logged_models.term,
    default=(),
    ties=(_by("creation_timestamp_ms", ascending=False), _by("model_id")),
)
"""Attributes: those of `logged_models.ATTRIBUTES`."""
