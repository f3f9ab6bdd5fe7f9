"""Random searches on a stock server and on ours, over the same random things: page for page the same things."""

import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import httpx
import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from adapters import open_platform
from loopwright.ports import Platform
from loopwright.settings import Settings
from loopwright.tracking import DatasetInput, LoggedModels, Metric, ModelMetric, RunStatus, Tracking
from tests.mlflow.ours import served

API: Final = "/api/2.0/mlflow"
MOMENT: Final = 1_700_000_000_000
RUNS: Final = 24
MODELS: Final = 16
NAMES: Final = ["alpha", "Alpha", "a_b", "axb", "100%", "é", "É", "x'y", ""]
NUMBERS: Final = [0.0, -1.5, 0.25, 0.8, 0.8, 1e-9, 3.0, float("nan"), float("inf"), float("-inf"), 1e300]
DATASETS: Final = [("", ""), ("flights", "d1"), ("flights", "d2"), ("trains", "d1")]
STATES: Final[list[RunStatus]] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]
EVERYTHING: Final = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class Sides:
    """The two servers, filled with the same things."""

    def __init__(self, stock: httpx.Client, ours: httpx.Client, platform: Platform) -> None:
        self.stock = stock
        self.ours = ours
        self.moment = 0.0
        self.identity = ""
        known: dict[str, Callable[[], Any]] = {"clock": lambda: self.moment, "new_id": lambda: self.identity}
        self.tracking = Tracking(platform.table, platform.blobs, **known)
        self.models = LoggedModels(platform.table, **known)
        self.experiments: list[str] = []

    def same(self, call: str, body: Mapping[str, object], listed: str, identity: str) -> None:
        """Assert that a search yields the same pages, to the last, or that both sides refuse it."""
        theirs = self._pages(self.stock, call, body, listed, identity)
        assert self._pages(self.ours, call, body, listed, identity) == theirs, body

    def ask(self, call: str, body: Mapping[str, object]) -> Any:  # noqa: ANN401 - JSON of theirs
        """Ask the stock server for something that it must do."""
        answer = self.stock.post(f"{API}/{call}", json=body)
        assert answer.status_code == 200, (call, body, answer.text)
        return answer.json()

    def _pages(
        self, client: httpx.Client, call: str, body: Mapping[str, object], listed: str, identity: str
    ) -> list[list[str]] | str:
        pages: list[list[str]] = []
        token = ""
        while True:
            answer = client.post(f"{API}/{call}", json={**body, **({"page_token": token} if token else {})})
            told = msgspec.json.decode(answer.content)
            if answer.status_code != 200:
                return "refused"
            pages.append([_told(one, identity) for one in told.get(listed, [])])
            token = told.get("next_page_token", "")
            if not token:
                return pages


def _told(one: Mapping[str, Any], identity: str) -> str:
    return str(one["info"][identity] if "info" in one else one[identity])


@pytest.fixture(scope="module")
def sides(stock: str) -> Iterator[Sides]:
    platform = open_platform(Settings(provider="memory"))
    with served(platform) as url, httpx.Client(base_url=url) as ours, httpx.Client(base_url=stock) as theirs:
        both = Sides(theirs, ours, platform)
        fill(both, random.Random(11))  # noqa: S311 - the same things each time
        yield both
    platform.close()


def fill(sides: Sides, chance: random.Random) -> None:
    """Make experiments and runs of the same identities on both sides."""
    for number, name in enumerate(["found", "Found", "second_x", "secondYx", "third%"]):
        tags = {"suite": "search", "team": chance.choice(NAMES), **({"only": "x"} if number % 2 else {})}
        made = sides.ask("experiments/create", {"name": name, "tags": _entries(tags)})["experiment_id"]
        told = sides.stock.get(f"{API}/experiments/get", params={"experiment_id": made}).json()["experiment"]
        sides.moment, sides.identity = told["creation_time"] / 1e3, made
        sides.tracking.create_experiment(name, tags=tags)
        sides.experiments.append(made)
        if number < 2:
            for _ in range(RUNS // 2):
                _fill_run(sides, made, chance)
            for place in range(MODELS // 2):
                _fill_model(sides, made, place, chance)
    sides.ask("experiments/delete", {"experiment_id": sides.experiments[-1]})
    sides.tracking.delete_experiment(sides.experiments[-1])


def _fill_run(sides: Sides, experiment_id: str, chance: random.Random) -> None:
    started = MOMENT + chance.choice([0, 0, 1, 2, 5]) * 1_000
    tags = {key: chance.choice(NAMES) for key in ("team", "b c") if chance.random() < 0.6}
    name = chance.choice(NAMES[:-1])
    body = {"experiment_id": experiment_id, "start_time": started, "run_name": name, "user_id": "u"}
    run_id = sides.ask("runs/create", {**body, "tags": _entries(tags)})["run"]["info"]["run_id"]
    ours = sides.tracking
    ours.create_run(experiment_id, name=name, tags=tags, run_id=run_id, started=started / 1e3, user="u")
    metrics = {key: chance.choice(NUMBERS) for key in ("auc", "loss.x") if chance.random() < 0.7}
    params = {key: chance.choice(NAMES) for key in ("model", "a b") if chance.random() < 0.7}
    points = [{"key": key, "value": _number(value), "timestamp": MOMENT, "step": 0} for key, value in metrics.items()]
    sides.ask("runs/log-batch", {"run_id": run_id, "metrics": points, "params": _entries(params)})
    ours.log_batch(run_id, metrics=[Metric(key, value, MOMENT / 1e3) for key, value in metrics.items()], params=params)
    for number in range(chance.choice([0, 0, 1, 2])):
        _fill_input(sides, run_id, number, chance)
    state = chance.choice(STATES)
    ended = {"end_time": MOMENT + chance.choice([0, 7_000])} if chance.random() < 0.5 else {}
    sides.ask("runs/update", {"run_id": run_id, "status": state, **ended})
    ours.amend_run(run_id, status=state, ended=ended["end_time"] / 1e3 if ended else None)
    if chance.random() < 0.2:
        sides.ask("runs/delete", {"run_id": run_id})
        ours.delete_run(run_id)


def _fill_model(sides: Sides, experiment_id: str, place: int, chance: random.Random) -> None:
    body = {"experiment_id": experiment_id, "start_time": MOMENT, "run_name": "measures"}
    run_id = sides.ask("runs/create", body)["run"]["info"]["run_id"]
    params = {key: chance.choice(NAMES[:-1]) for key in ("model", "a b") if chance.random() < 0.7}
    tags = {key: chance.choice(NAMES[:-1]) for key in ("team", "b c") if chance.random() < 0.7}
    made = {"name": f"model{place % 5}", "model_type": chance.choice(["", "tree"])}
    told = sides.ask(
        "logged-models", {"experiment_id": experiment_id, **made, "params": _entries(params), "tags": _entries(tags)}
    )["model"]["info"]
    sides.moment, sides.identity = told["creation_timestamp_ms"] / 1e3, told["model_id"].removeprefix("m-")
    sides.tracking.create_run(experiment_id, name="measures", run_id=run_id, started=MOMENT / 1e3)
    model = sides.models.create(experiment_id, **made, params=params, tags=tags)
    points = [
        ModelMetric(key, chance.choice(NUMBERS[:7]), (MOMENT + step) / 1e3, step, run_id, *chance.choice(DATASETS))
        for step in range(chance.choice([0, 1, 3]))
        for key in ("auc", "loss.x")
    ]
    for one in points:
        point = {"key": one.key, "value": one.value, "timestamp": MOMENT + one.step, "step": one.step}
        dataset = {"dataset_name": one.dataset_name, "dataset_digest": one.dataset_digest}
        sides.ask("runs/log-metric", {"run_id": run_id, "model_id": model.id, **point, **dataset})
        sides.tracking.log_batch(run_id, metrics=[Metric(one.key, one.value, one.timestamp, one.step)])
    if points:
        sides.models.log_metrics({model.id: points})


def _fill_input(sides: Sides, run_id: str, number: int, chance: random.Random) -> None:
    name, digest, context = chance.choice(NAMES[:4]), f"d{number}", chance.choice(["train", "Train", "eval"])
    dataset = {"name": name, "digest": digest, "source_type": "local", "source": "s"}
    tag = {"key": "mlflow.data.context", "value": context}
    sides.ask("runs/log-inputs", {"run_id": run_id, "datasets": [{"tags": [tag], "dataset": dataset}]})
    sides.tracking.log_inputs(run_id, [DatasetInput(name, digest, "s", context=context, source_type="local")])


def _entries(texts: Mapping[str, str]) -> list[Mapping[str, str]]:
    return [{"key": key, "value": value} for key, value in texts.items()]


def _number(value: float) -> float | str:
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), value)


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
