"""The store fails before or after a write of a call: nothing is half there, and the same call again completes it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any, Literal, TypeVar

import pytest

from adapters import open_platform
from functions.tracking.app import create_app
from loopwright.errors import UnavailableError
from loopwright.settings import Settings
from tests.airport import world
from tests.airport.caller import Caller
from tests.functions.tracking.api import Api, RefusedError, Told

When = Literal["before", "after"]
Result = TypeVar("Result")


class FailingTable:
    """A table of which one write fails, before it is done or after; reads are the table's own."""

    def __init__(self, table: Any) -> None:  # noqa: ANN401 - it passes on whatever a table can do
        self._table = table
        self._fails: int | None = None
        self._when: When = "before"
        self._writes = 0
        self.failed = False

    def arm(self, fails: int | None, when: When = "before") -> None:
        """Let the write of this number, of those from now on, fail; None: no one."""
        self._fails, self._when, self._writes, self.failed = fails, when, 0, False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        act = getattr(self._table, name)
        return self._failing(act) if name in {"put", "put_many", "delete", "add", "transact"} else act

    def _failing(self, act: Callable[..., Result]) -> Callable[..., Result]:
        def write(*args: object, **kwargs: object) -> Result:
            number, self._writes = self._writes, self._writes + 1
            hit = number == self._fails
            self.failed |= hit
            if hit and self._when == "before":
                raise UnavailableError("the store is away")
            done = act(*args, **kwargs)
            if hit:
                raise UnavailableError("the store's answer is lost")
            return done

        return write


class _Platform:
    def __init__(self, platform: Any, table: FailingTable) -> None:  # noqa: ANN401
        self._platform = platform
        self.table = table

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._platform, name)


@dataclass
class Place:
    """A function whose table fails when it is told to, with a run and a logged model in it."""

    api: Api
    table: FailingTable
    experiment: str
    run: str
    model: str

    def state(self) -> Told:
        """Return all that can be seen."""
        return (
            self.api.look(self.run),
            self.api.get("metrics/get-history", run_id=self.run, metric_key="auc"),
            self.api.get(f"logged-models/{self.model}")["model"]["data"],
            self.api.get("experiments/get", experiment_id=self.experiment)["experiment"],
        )


def place() -> Place:
    platform = open_platform(Settings(provider="memory"))
    ids = count()
    table = FailingTable(platform.table)
    shown = _Platform(platform, table)
    # Two places are told apart by nothing but what is done in them.
    shown.new_id = lambda: f"{next(ids):032x}"
    shown.clock = lambda: 1_000.0
    api = Api(Caller(create_app(shown, world.project())))
    experiment = api.experiment()
    run = api.run(experiment, run_name="first", start_time=1)
    model = api.post("logged-models", experiment_id=experiment, name="forest")["model"]["info"]["model_id"]
    return Place(api, table, experiment, run, model)


POINT = {"key": "auc", "value": 0.5, "timestamp": 1, "step": 2}
DATASET = {"name": "flights", "digest": "1", "source_type": "code", "source": "a.py", "schema": "{}"}
CALLS: dict[str, Callable[[Place], Told]] = {
    "log-batch": lambda at: at.api.post(
        "runs/log-batch",
        run_id=at.run,
        metrics=[POINT, {**POINT, "key": "loss"}],
        params=[{"key": "depth", "value": "3"}],
        tags=[{"key": "a", "value": "b"}],
    ),
    "log-batch of a model": lambda at: at.api.post(
        "runs/log-batch", run_id=at.run, metrics=[{**POINT, "model_id": at.model}]
    ),
    "log-metric": lambda at: at.api.post("runs/log-metric", run_id=at.run, **POINT),
    "log-inputs": lambda at: at.api.post(
        "runs/log-inputs", run_id=at.run, datasets=[{"dataset": DATASET}], models=[{"model_id": at.model}]
    ),
    "outputs": lambda at: at.api.post("runs/outputs", run_id=at.run, models=[{"model_id": at.model, "step": 1}]),
    "update": lambda at: at.api.post("runs/update", run_id=at.run, status="FINISHED", end_time=5, run_name="other"),
    "delete": lambda at: at.api.post("runs/delete", run_id=at.run),
    "experiment tag": lambda at: at.api.post(
        "experiments/set-experiment-tag", experiment_id=at.experiment, key="a", value="b"
    ),
    "rename": lambda at: at.api.post("experiments/update", experiment_id=at.experiment, new_name="lateness"),
}

SECOND_WRITES = {"log-batch of a model"}
"""Calls whose writes are not one: what a failure leaves of them is completed by the same call again."""


def failures(name: str) -> Iterator[tuple[int, When]]:
    """Yield each write of a call, and whether it fails before it is done or after."""
    at = place()
    for number in count():
        at.table.arm(number)
        try:
            CALLS[name](at)
        except RefusedError:
            yield number, "before"
            yield number, "after"
        else:
            return


CASES = [(name, *failure) for name in CALLS for failure in failures(name)]


@pytest.mark.parametrize(("name", "number", "when"), CASES)
def test_a_failure_leaves_nothing_half_and_a_retry_completes_it(name: str, number: int, when: When) -> None:
    whole = place()
    CALLS[name](whole)
    at = place()
    before = at.state()
    assert before != whole.state()
    at.table.arm(number, when)
    with pytest.raises(RefusedError) as caught:
        CALLS[name](at)
    assert at.table.failed
    assert (caught.value.status, caught.value.code) == (503, "TEMPORARILY_UNAVAILABLE")
    at.table.arm(None)
    if name not in SECOND_WRITES:
        assert at.state() in (before, whole.state())
    CALLS[name](at)
    assert at.state() == whole.state()


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_experiment_whose_making_failed_is_there_or_not_and_never_half(when: When) -> None:
    at = place()
    at.table.arm(0, when)
    assert at.api.refusal("POST", "experiments/create", name="new") == (503, "TEMPORARILY_UNAVAILABLE")
    at.table.arm(None)
    named = at.api.refusal("POST", "experiments/create", name="new") if when == "after" else at.api.experiment("new")
    found = at.api.get("experiments/get-by-name", experiment_name="new")["experiment"]
    assert found["lifecycle_stage"] == "active"
    assert named == ((400, "RESOURCE_ALREADY_EXISTS") if when == "after" else found["experiment_id"])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_whose_making_failed_is_whole_or_not_there(when: When) -> None:
    at = place()
    at.table.arm(0, when)
    assert at.api.refusal("POST", "runs/create", experiment_id=at.experiment, start_time=5)[0] == 503
    at.table.arm(None)
    runs = at.api.post("runs/search", experiment_ids=[at.experiment])["runs"]
    assert len(runs) == (2 if when == "after" else 1)
    for one in runs:
        assert at.api.look(one["info"]["run_id"])["info"] == one["info"]
