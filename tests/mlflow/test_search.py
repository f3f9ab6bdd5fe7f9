"""Random searches on a stock server and on ours, over the same random things: page for page the same things."""

import random
from collections.abc import Iterator, Mapping
from typing import Final

import httpx
import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from adapters import open_platform
from loopwright.settings import Settings
from tests.mlflow.ours import served
from tests.mlflow.searched import DATASETS, MOMENT, NAMES, Sides, fill

EVERYTHING: Final = settings(max_examples=30)


@pytest.fixture(scope="module")
def sides(stock: str) -> Iterator[Sides]:
    platform = open_platform(Settings(provider="memory"))
    with (
        served(platform) as url,
        httpx.Client(base_url=url, timeout=60) as ours,
        httpx.Client(base_url=stock, timeout=60) as theirs,
    ):
        both = Sides(theirs, ours, platform)
        fill(both, random.Random(11))  # noqa: S311 - the same things each time
        yield both
    platform.close()


patterns = st.one_of(
    st.sampled_from(["%", "a%", "%b", "A%", "a_b", "%_b%", "100%", "É", "%'%", "", "found%", "%x", "x"]),
    st.sampled_from(NAMES),
)
quoted = patterns.map(lambda text: f'"{text}"' if "'" in text else f"'{text}'")
compared = st.sampled_from(["=", "!=", "LIKE", "ILIKE", "like"])
ordering = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
numbers = st.sampled_from(["0", "0.8", "-1.5", "1e300", "1e309", "-1e309", "0.25", "1e-9", "3"])
moments = st.integers(-1, 8).map(lambda second: str(MOMENT + second * 1_000))
ABSENT: Final = st.sampled_from(["IS NULL", "IS NOT NULL"])


def clause(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map(" ".join)


run_clauses = st.one_of(
    clause(st.sampled_from(["metrics.auc", "metric.`loss.x`", "metrics.none"]), ordering, numbers),
    clause(st.sampled_from(["params.model", "param.`a b`", "params.none"]), compared, quoted),
    clause(st.sampled_from(["params.model", "tags.team", "tag.`b c`", "tags.none"]), ABSENT),
    clause(st.sampled_from(["tags.team", 'tags."b c"', "tags.`mlflow.runName`"]), compared, quoted),
    clause(st.sampled_from(["run_name", "attributes.`Run name`", "attr.user_id"]), compared, quoted),
    clause("status", st.sampled_from(["=", "!=", "LIKE"]), st.sampled_from(["'FINISHED'", "'%E%'", "'failed'"])),
    clause(st.sampled_from(["status", "run_id"]), st.sampled_from(["IN", "NOT IN"]), "('FINISHED', 'x')"),
    clause(st.sampled_from(["start_time", "attributes.created", "end_time"]), ordering, moments),
    clause(st.sampled_from(["datasets.name", "dataset.context", "datasets.digest"]), compared, quoted),
    clause("datasets.context", st.sampled_from(["IN", "NOT IN", "not in"]), "('train', 'd0')"),
    clause("datasets.digest", st.sampled_from(["=", "!="]), st.sampled_from(["'d0'", "'d1'"])),
)
run_orders = st.lists(
    clause(
        st.sampled_from(["metrics.auc", "metrics.`loss.x`", "params.model", "params.`a b`", "tags.team", "start_time"])
        | st.sampled_from(["end_time", "status", "run_name", "run_id", "attributes.created", "tags.none"]),
        st.sampled_from(["ASC", "DESC", "desc"]),
    ),
    max_size=3,
    unique_by=lambda text: text.split()[0],
)
experiment_clauses = st.one_of(
    clause(st.sampled_from(["name", "attribute.name"]), compared, quoted),
    clause(st.sampled_from(["tags.team", "tag.only"]), compared, quoted),
    clause(st.sampled_from(["tags.team", "tag.only"]), ABSENT),
    clause(st.sampled_from(["creation_time", "last_update_time"]), ordering, st.sampled_from(["0", "9999999999999"])),
    clause("experiment_id", st.sampled_from(["=", "!="]), st.sampled_from(["'{0}'", "'{1}'", "'9999'"])),
    clause("experiment_id", st.sampled_from(["IN", "NOT IN", "in"]), "('{0}', '{2}')"),
)
experiment_orders = st.lists(
    clause(
        st.sampled_from(["name", "creation_time", "experiment_id", "attribute.last_update_time", "tags.team"]),
        st.sampled_from(["ASC", "DESC"]),
    ),
    max_size=2,
)
model_clauses = st.one_of(
    clause(st.sampled_from(["metrics.auc", "metrics.`loss.x`", "metrics.none"]), ordering, numbers),
    clause(st.sampled_from(["params.model", "params.`a b`", "tags.team", "tags.`b c`"]), compared, quoted),
    clause(st.sampled_from(["name", "attributes.name"]), compared, st.sampled_from(["'model1'", "'MODEL%'", "m%"])),
    clause(st.sampled_from(["name", "model_type"]), st.sampled_from(["IN", "NOT IN", "in"]), "('model1', 'tree')"),
    clause(st.sampled_from(["model_type", "status", "source_run_id"]), compared, st.sampled_from(["'tree'", "'1'"])),
    clause(st.sampled_from(["creation_timestamp", "last_updated_timestamp"]), ordering, "1700000000000"),
)
model_orders = st.lists(
    st.builds(
        lambda field, ascending, dataset: {"field_name": field, "ascending": ascending, **dataset},
        st.sampled_from(["metrics.auc", "metrics.loss.x", "name", "model_type", "creation_timestamp", "model_id"]),
        st.booleans(),
        st.sampled_from([{}, {"dataset_name": "flights"}, {"dataset_name": "flights", "dataset_digest": "d1"}]),
    ),
    max_size=2,
    unique_by=lambda one: one["field_name"],
)
datasets = st.lists(
    st.sampled_from(DATASETS[1:]).map(lambda one: {"dataset_name": one[0], "dataset_digest": one[1]}), max_size=2
)
views = st.sampled_from(["ACTIVE_ONLY", "DELETED_ONLY", "ALL"])


@EVERYTHING
@given(
    clauses=st.lists(run_clauses, max_size=3),
    order_by=run_orders,
    view=views,
    size=st.sampled_from([1, 3, 7, 100]),
    places=st.sampled_from([[0], [1], [0, 1], [1, 0, 3], [4], []]),
)
def test_runs_are_found_in_the_order_and_on_the_pages_of_a_stock_server(
    sides: Sides, clauses: list[str], order_by: list[str], view: str, size: int, places: list[int]
) -> None:
    asked = {"filter": " AND ".join(clauses), "order_by": order_by, "run_view_type": view, "max_results": size}
    experiment_ids = [sides.experiments[place] for place in places]
    sides.same("runs/search", {"experiment_ids": experiment_ids, **asked}, "runs", "run_id")


@EVERYTHING
@given(
    clauses=st.lists(experiment_clauses, max_size=2),
    order_by=experiment_orders,
    view=views,
    size=st.sampled_from([1, 2, 10]),
)
def test_experiments_are_found_in_the_order_and_on_the_pages_of_a_stock_server(
    sides: Sides, clauses: list[str], order_by: list[str], view: str, size: int
) -> None:
    wanted = " and ".join(["tags.suite = 'search'", *clauses]).format(*sides.experiments)
    asked = {"filter": wanted, "order_by": order_by, "view_type": view, "max_results": size}
    sides.same("experiments/search", asked, "experiments", "name")


@EVERYTHING
@given(
    clauses=st.lists(model_clauses, max_size=2),
    order_by=model_orders,
    size=st.sampled_from([3, 7, 100]),
    datasets=datasets,
    places=st.sampled_from([[0], [0, 1]]),
)
def test_logged_models_are_found_in_the_order_and_on_the_pages_of_a_stock_server(
    sides: Sides,
    clauses: list[str],
    order_by: list[Mapping[str, object]],
    size: int,
    datasets: list[Mapping[str, str]],
    places: list[int],
) -> None:
    experiment_ids = [sides.experiments[place] for place in places]
    asked = {"filter": " AND ".join(clauses), "order_by": order_by, "datasets": datasets, "max_results": size}
    sides.same("logged-models/search", {"experiment_ids": experiment_ids, **asked}, "models", "model_id")
