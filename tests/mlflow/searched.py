"""The same experiments, runs and logged models on a stock server and on ours, to be searched for."""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import msgspec

from loopwright.ports import Platform
from loopwright.tracking import DatasetInput, LoggedModels, Metric, ModelMetric, RunStatus, Tracking

API: Final = "/api/2.0/mlflow"
MOMENT: Final = 1_700_000_000_000
RUNS: Final = 18
MODELS: Final = 10
NAMES: Final = ["alpha", "Alpha", "a_b", "axb", "100%", "é", "É", "x'y", ""]
NUMBERS: Final = [0.0, -1.5, 0.25, 0.8, 0.8, 1e-9, 3.0, float("nan"), float("inf"), float("-inf"), 1e300]
DATASETS: Final = [("", ""), ("flights", "d1"), ("flights", "d2"), ("trains", "d1")]
STATES: Final[list[RunStatus]] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"]


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
