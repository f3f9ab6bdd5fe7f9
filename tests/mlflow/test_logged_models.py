"""The same histories of calls about logged models on a stock MLflow server and on ours: the answers are the same."""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SECONDS: Final = 12.0
"""After so long no further history is played: the machine decides how many there are."""

Json = Any
"""What JSON may hold: a test looks into it."""

_AREA: Final = "/api/2.0/mlflow"
_MADE_UP: Final = re.compile(r"[a-z]+-[a-z]+-\d+")
_UNCERTAIN: Final = frozenset({"creation_timestamp_ms", "last_updated_timestamp_ms", "next_page_token"})
_LABELS: Final = count()

_KEYS = st.sampled_from(["depth", "rate", "a/b c"])
_TEXTS = st.sampled_from(["", "3.0", "ops", "ä'\"%"])
_ENTRIES = st.lists(
    st.fixed_dictionaries({"key": _KEYS, "value": _TEXTS}), max_size=2, unique_by=lambda one: one["key"]
)
_MODEL = st.integers(0, 3)
_WHICH = st.sampled_from(["auc", "loss"])
_DATA = st.sampled_from([{}, {"dataset_name": "flights", "dataset_digest": "d1"}, {"dataset_name": "rain"}])
_POINT = st.tuples(_WHICH, st.sampled_from([0.25, 0.5, -1.0]), st.integers(1, 3), st.integers(0, 2), _DATA)


@dataclass(frozen=True)
class Call:
    """A call; a model is named by the order of its making."""

    method: str
    path: str
    body: Mapping[str, Json]
    model: int | None = None


def _body(**fields: st.SearchStrategy[Json]) -> st.SearchStrategy[Mapping[str, Json]]:
    """Return bodies that have some of these members."""
    return st.fixed_dictionaries({}, optional=fields)


def _of(method: str, path: str, body: st.SearchStrategy[Mapping[str, Json]]) -> st.SearchStrategy[Call]:
    return st.builds(Call, st.just(method), st.just(path), body, _MODEL)


_CREATE = st.builds(
    Call,
    st.just("POST"),
    st.just("logged-models"),
    _body(
        name=st.sampled_from(["forest", "tree 2", "a/b", "50%", ""]),
        model_type=_TEXTS,
        source_run_id=st.just("somewhere"),
        params=_ENTRIES,
        tags=_ENTRIES,
    ),
)
_ORDER = _body(ascending=st.booleans(), dataset_name=st.sampled_from(["flights", "rain"])).flatmap(
    lambda found: st.sampled_from(
        ["name", "status", "model_type", "creation_time", "metrics.auc", "metrics.loss", "params.depth", "nothing"]
    ).map(lambda name: {**found, "field_name": name})
)
_FILTER = st.sampled_from(
    [
        "",
        "name = 'forest'",
        "name LIKE '%e%'",
        "metrics.auc > 0.3",
        "metrics.auc >= 0.25 AND params.depth = '3.0'",
        "tags.depth != 'ops'",
        "model_type IN ('ops', '3.0')",
        "creation_timestamp > 0",
        "status = 'READY'",
        "nothing = 1",
        "name = 'a' OR name = 'b'",
    ]
)
_SEARCH = st.builds(
    Call,
    st.just("POST"),
    st.just("logged-models/search"),
    _body(
        filter=_FILTER,
        max_results=st.sampled_from([1, 2, 50]),
        order_by=st.lists(_ORDER, max_size=2, unique_by=lambda one: one["field_name"]),
        # Of a data set without a digest MLflow's server finds nothing, though its client says that it finds all.
        datasets=st.lists(st.sampled_from([{"dataset_name": "flights", "dataset_digest": "d1"}, {"dataset_name": ""}])),
    ),
)
_CALLS = st.one_of(
    _CREATE,
    _of("GET", "logged-models/{}", st.sampled_from([{}, {"allow_deleted": "true"}])),
    _of("PATCH", "logged-models/{}", st.sampled_from([{"status": 2}, {"status": "LOGGED_MODEL_UPLOAD_FAILED"}, {}])),
    _of("PATCH", "logged-models/{}/tags", _body(tags=_ENTRIES)),
    _of("DELETE", "logged-models/{}/tags/depth", st.just({})),
    _of("DELETE", "logged-models/{}", st.just({})),
    _of("METRIC", "runs/log-batch", _POINT.map(lambda found: {"point": found})),
    _SEARCH,
)


@dataclass
class Server:
    """Plays calls on a server, in an experiment and a run of its own."""

    client: httpx.Client
    label: str
    models: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        made = self.client.post(f"{_AREA}/experiments/create", json={"name": self.label})
        self.experiment = made.json()["experiment_id"]
        run = self.client.post(f"{_AREA}/runs/create", json={"experiment_id": self.experiment, "start_time": 1})
        self.run = run.json()["run"]["info"]["run_id"]

    def play(self, call: Call) -> list[Json]:
        """Return the answer, or those of all pages, as they are compared."""
        if call.model is not None and call.model >= len(self.models):
            return []
        if call.method == "METRIC":
            return [self._log(self.models[call.model or 0], call.body["point"])]
        told: list[Json] = []
        token = ""
        while True:
            body = {**self._body(call), **({"page_token": token} if token else {})}
            answer = self._send(call, body)
            told.append(self._told(answer))
            if call.path == "logged-models" and answer.is_success:
                self.models.append(answer.json()["model"]["info"]["model_id"])
                told[-1] = self._told(answer)
            token = answer.json().get("next_page_token", "")
            if not token:
                return told

    def _body(self, call: Call) -> Mapping[str, Json]:
        if call.path == "logged-models":
            return {"experiment_id": self.experiment, **call.body}
        if call.path.endswith("search"):
            return {"experiment_ids": [self.experiment], **call.body}
        return {**call.body, "model_id": self.models[call.model or 0]} if call.method == "PATCH" else call.body

    def _send(self, call: Call, body: Mapping[str, Json]) -> httpx.Response:
        path = call.path.format(self.models[call.model]) if call.model is not None else call.path
        if call.method == "GET":
            return self.client.get(f"{_AREA}/{path}", params=body)
        return self.client.request(call.method, f"{_AREA}/{path}", json=body)

    def _log(self, model: str, point: tuple[str, float, int, int, Mapping[str, str]]) -> Json:
        key, value, timestamp, step, data = point
        metric = {"key": key, "value": value, "timestamp": timestamp, "step": step, "model_id": model, **data}
        done = self.client.post(f"{_AREA}/runs/log-batch", json={"run_id": self.run, "metrics": [metric]})
        return self._told(done)

    def _told(self, answer: httpx.Response) -> Json:
        if answer.is_success:
            return self._plain(answer.json())
        # What the database there finds has a name of its own.
        return [answer.status_code, answer.json()["error_code"].replace("BAD_REQUEST", "INVALID_PARAMETER_VALUE")]

    def _plain(self, told: Json) -> Json:
        """Return what is told without what differs from server to server."""
        if isinstance(told, dict):
            kept = {name: self._plain(value) for name, value in told.items() if name not in _UNCERTAIN}
            for name in ("metrics", "params", "tags"):
                if name in kept:
                    kept[name] = sorted(kept[name], key=str)
            return kept
        if isinstance(told, list):
            return [self._plain(one) for one in told]
        if isinstance(told, str):
            for number, model in enumerate(self.models):
                told = told.replace(model, f"model {number}")
            told = told.replace(self.run, "run").replace(f":/{self.experiment}/", ":/experiment/")
            told = "experiment" if told == self.experiment else told
            return "made up" if _MADE_UP.fullmatch(told) else told
        return told


@pytest.fixture
def both(stock: str, ours: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    with httpx.Client(base_url=stock, timeout=60) as theirs, httpx.Client(base_url=ours, timeout=60) as mine:
        yield theirs, mine


def test_any_history_of_logged_models_is_answered_as_by_mlflow(both: tuple[httpx.Client, httpx.Client]) -> None:
    end = time.monotonic() + SECONDS
    different: list[list[Call]] = []

    @settings(max_examples=60)
    @given(st.lists(_CREATE, min_size=1, max_size=3), st.lists(_CALLS, max_size=10))
    def play(makes: list[Call], history: list[Call]) -> None:
        # A difference that was found is made as short as can be, however long that takes.
        if time.monotonic() > end and not different:
            return
        label = f"models {next(_LABELS)} of {time.time_ns()}"
        theirs, mine = (Server(client, label) for client in both)
        played: list[Call] = []
        different.append(history)
        for call in [*makes, *history, Call("POST", "logged-models/search", {})]:
            played.append(call)
            time.sleep(0.002)  # Models of one millisecond are in the order of identities, which nobody chooses.
            assert mine.play(call) == theirs.play(call), played
        different.pop()

    play()
