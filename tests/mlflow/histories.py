"""Histories of calls, as Hypothesis makes them."""

from collections.abc import Mapping
from operator import itemgetter
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.mlflow.comparing import Json, Step, experiment, run

FEW: Final = st.integers(0, 3)
EXPERIMENTS: Final = FEW.map(experiment)
RUNS: Final = FEW.map(run)
_KEYS: Final = ["auc", "loss", "a/b", "a b: c"]
GOOD_KEYS: Final = st.sampled_from(_KEYS)
KEYS: Final = st.sampled_from([*_KEYS * 25, "a//b", "../up", "x$", "", "k" * 251])
TEXTS: Final = st.sampled_from(["", "v", "w", "é ✈", "x" * 8_100])
TAG_KEYS: Final = st.sampled_from([*_KEYS * 10, *["mlflow.runName"] * 6, "a//b", ""])
NUMBERS: Final = st.sampled_from([0.0, 1.5, -2.0, 1e-300, "NaN", "Infinity", "-Infinity", "0.25", 7])
TIMESTAMPS: Final = st.sampled_from([*range(4)] * 8 + [-1, "2", 1_700_000_000_123])
STEPS: Final = st.integers(-2, 3)


def entries(keys: SearchStrategy[str], *, unique: bool = False) -> SearchStrategy[Json]:
    """Make lists of tags or params."""
    one = st.fixed_dictionaries({"key": keys}, optional={"value": TEXTS})
    return st.lists(one, max_size=2, unique_by=itemgetter("key") if unique else None)


POINTS: Final = st.lists(
    st.fixed_dictionaries({"key": KEYS, "value": NUMBERS, "timestamp": TIMESTAMPS}, optional={"step": STEPS}),
    max_size=4,
)


def _data(name: str, digest: str) -> Json:
    """Return a data set: whoever reads it tells the same of it."""
    more = {"schema": f"columns of {name}", "profile": "{}"} if digest == "second" else {}
    return {"name": name, "digest": digest, "source_type": "code", "source": f"{name}.py", **more}


# No text is a number: it might be the identity of an experiment.
DIGESTS: Final = st.sampled_from([*["first", "second"] * 8, "x" * 37])
DATASETS: Final = st.builds(_data, st.sampled_from(["flights", "weather"]), DIGESTS)
CONTEXTS: Final = st.lists(
    st.fixed_dictionaries({"key": st.sampled_from(["mlflow.data.context", "a"]), "value": st.sampled_from(["x", "y"])}),
    max_size=2,
    unique_by=itemgetter("key"),
)
INPUTS: Final = st.lists(st.fixed_dictionaries({"dataset": DATASETS}, optional={"tags": CONTEXTS}), max_size=3)
NAMES: Final = st.sampled_from(["{label} a", "{label} b", "{label} c", "", "Default", "{label}" + "n" * 500])
STATES: Final = st.sampled_from(["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED", 3])
FILTERS: Final = st.sampled_from(
    [
        "metrics.auc > 0.5",
        "params.auc = 'v'",
        "tags.loss != 'w' AND status = 'RUNNING'",
        "dataset.name = 'flights'",
        "x",
    ]
)
ORDERS: Final = st.sampled_from(
    [["start_time ASC"], ["metrics.auc DESC", "start_time"], ["params.auc", "end_time DESC"]]
)
NAMED: Final = st.sampled_from(["name LIKE '{label}%'"] * 4 + ["name LIKE '{label}%' AND tags.auc = 'v'", "name >"])
SIZES: Final = st.sampled_from([0, 1, 2, 1_000])
VIEWS: Final = st.sampled_from(["ACTIVE_ONLY", "DELETED_ONLY", "ALL"])


def post(path: str, wanted: Json, optional: Json = None, *, paged: str = "") -> SearchStrategy[Step]:
    """Make calls; now and then one of the things that are wanted is not told."""
    whole = st.fixed_dictionaries(wanted, optional=optional or {})
    lacking = st.tuples(whole, st.sampled_from(sorted(wanted))).map(_without)
    lacks = st.sampled_from([False] * 15 + [True])
    return lacks.flatmap(lambda yes: lacking if yes else whole).map(lambda body: Step("POST", path, body, paged))


def get(path: str, wanted: Json, optional: Json = None, *, paged: str = "") -> SearchStrategy[Step]:
    """Make calls that read."""
    return st.fixed_dictionaries(wanted, optional=optional or {}).map(lambda body: Step("GET", path, body, paged))


def _without(told: tuple[dict[str, Json], str]) -> dict[str, Json]:
    return {name: value for name, value in told[0].items() if name != told[1]}


ON_EXPERIMENT: Final = {"experiment_id": EXPERIMENTS}
ON_RUN: Final = {"run_id": RUNS}
CALLS: Final[Mapping[str, SearchStrategy[Step]]] = {
    "make an experiment": post("experiments/create", {"name": NAMES}, {"tags": entries(KEYS, unique=True)}),
    "rename it": post("experiments/update", ON_EXPERIMENT | {"new_name": NAMES}),
    "delete it": post("experiments/delete", ON_EXPERIMENT),
    "restore it": post("experiments/restore", ON_EXPERIMENT),
    "tag it": post("experiments/set-experiment-tag", ON_EXPERIMENT | {"key": KEYS}, {"value": TEXTS}),
    "untag it": post("experiments/delete-experiment-tag", ON_EXPERIMENT | {"key": GOOD_KEYS}),
    "look at it": get("experiments/get", ON_EXPERIMENT),
    "find it": get("experiments/get-by-name", {"experiment_name": NAMES}),
    "make a run": post(
        "runs/create",
        ON_EXPERIMENT | {"start_time": st.integers(2, 10**12)},
        {
            "run_name": st.sampled_from(["", "mine", "yours"]),
            "tags": entries(TAG_KEYS, unique=True),
            "user_id": st.just("ada"),
        },
    ),
    "look at a run": get("runs/get", ON_RUN),
    "change a run": post(
        "runs/update",
        ON_RUN,
        {"status": STATES, "end_time": st.sampled_from([0, 5, "6"]), "run_name": st.sampled_from(["", "renamed"])},
    ),
    "delete a run": post("runs/delete", ON_RUN),
    "restore a run": post("runs/restore", ON_RUN),
    "log a metric": post(
        "runs/log-metric", ON_RUN | {"key": KEYS, "value": NUMBERS, "timestamp": TIMESTAMPS}, {"step": STEPS}
    ),
    "log a param": post("runs/log-parameter", ON_RUN | {"key": KEYS}, {"value": TEXTS}),
    "log a batch": post(
        "runs/log-batch", ON_RUN, {"metrics": POINTS, "params": entries(KEYS), "tags": entries(TAG_KEYS)}
    ),
    "tag a run": post("runs/set-tag", ON_RUN | {"key": TAG_KEYS}, {"value": TEXTS}),
    "untag a run": post("runs/delete-tag", ON_RUN | {"key": TAG_KEYS}),
    "log inputs": post(
        "runs/log-inputs",
        ON_RUN,
        {"datasets": INPUTS, "models": st.lists(st.fixed_dictionaries({"model_id": st.just("m-1")}), max_size=1)},
    ),
    "follow a metric": get(
        "metrics/get-history", ON_RUN | {"metric_key": GOOD_KEYS}, {"max_results": st.integers(0, 3)}, paged="metrics"
    ),
    "compare a metric": get(
        "/ajax-api/2.0/mlflow/metrics/get-history-bulk",
        {"run_id": st.lists(RUNS, max_size=2), "metric_key": GOOD_KEYS},
        {"max_results": st.integers(0, 3)},
    ),
    "draw a metric": get(
        "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval",
        {"run_ids": st.lists(RUNS, min_size=1, max_size=2), "metric_key": GOOD_KEYS},
        {"max_results": st.integers(0, 3), "start_step": st.integers(-1, 2), "end_step": st.integers(0, 3)},
    ),
    "search runs": post(
        "runs/search",
        {"experiment_ids": st.lists(EXPERIMENTS, min_size=1, max_size=2)},
        {"filter": FILTERS, "run_view_type": VIEWS, "order_by": ORDERS, "max_results": SIZES},
        paged="runs",
    ),
    # Never without a filter: those of other histories are there too.
    "search experiments": st.fixed_dictionaries(
        {"filter": NAMED, "max_results": SIZES}, optional={"view_type": VIEWS}
    ).map(lambda body: Step("POST", "experiments/search", body, "experiments")),
    "list data sets": st.lists(EXPERIMENTS, max_size=2).map(
        lambda some: Step("POST", "/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": some})
    ),
}


def steps() -> SearchStrategy[list[Step]]:
    """Make histories: an experiment and a run to begin with, and then anything."""
    # What logs to runs is what mostly happens, and what is deleted is restored now and then.
    often = [one for name, one in CALLS.items() if "log" in name or "restore" in name or "delete" in name]
    start = st.tuples(
        st.just(Step("POST", "experiments/create", {"name": "{label} a"})),
        st.just(Step("POST", "runs/create", {"experiment_id": experiment(0), "start_time": 1})),
    ).map(list)
    return st.tuples(start, st.lists(st.one_of(*CALLS.values(), *often), min_size=5, max_size=14)).map(
        lambda two: two[0] + two[1]
    )
