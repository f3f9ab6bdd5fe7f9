"""Calls as they are played on several servers, and what of their answers is compared.

A call names experiments and runs by the order of their making, as identities differ from server to server.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

Json = Any
"""What JSON may hold: a test looks into it."""

RUN: Final = "a run"
EXPERIMENT: Final = "an experiment"
_PREFIX: Final = "/api/2.0/mlflow/"
_MADE_UP: Final = re.compile(r"[a-z]+-[a-z]+-\d+")
_LARGEST: Final = 1.7976931348623157e308
"""As what SQLite keeps infinity."""

_UNCERTAIN: Final = frozenset({"creation_time", "last_update_time", "next_page_token"})


@dataclass(frozen=True)
class Step:
    """A call. Members of the body that are called as a thing say which one: the how manieth that was made."""

    method: str
    path: str
    body: Mapping[str, Json]
    paged: str = ""


@dataclass
class Server:
    """Plays steps on a server; `label` keeps what different histories make apart."""

    client: httpx.Client
    label: str
    experiments: list[str] = field(default_factory=list)
    runs: list[str] = field(default_factory=list)

    def play(self, step: Step) -> list[Json]:
        """Return the answer, or those of all pages, as they are compared."""
        answers: list[Json] = []
        token = ""
        while True:
            body = self._resolved(step.body) | ({"page_token": token} if token else {})
            answer = self._call(step.method, step.path, body)
            told = answer.json()
            if answer.is_success and step.path.endswith("s/create"):
                self._remember(told)
            answers.append(self._told(answer, told))
            token = told.get("next_page_token", "") if step.paged else ""
            if not token:
                return answers

    def _call(self, method: str, path: str, body: Mapping[str, Json]) -> httpx.Response:
        address = path if path.startswith("/") else f"{_PREFIX}{path}"
        if method == "GET":
            return self.client.get(address, params=body)
        return self.client.post(address, json=body)

    def _remember(self, told: Json) -> None:
        if "run" in told:
            self.runs.append(told["run"]["info"]["run_id"])
        else:
            self.experiments.append(told["experiment_id"])

    def _resolved(self, value: Json) -> Json:
        match value:
            case {"what": str(what), "number": int(number)}:
                known = self.runs if what == RUN else self.experiments
                return known[number % len(known)] if known else ("f" * 32 if what == RUN else "999999")
            case dict():
                return {name: self._resolved(one) for name, one in value.items()}
            case list():
                return [self._resolved(one) for one in value]
            case str():
                return value.replace("{label}", self.label)
            case _:
                return value

    def _told(self, answer: httpx.Response, told: Json) -> Json:
        if not answer.is_success:
            return answer.status_code, told["error_code"]
        names = {one: f"<experiment {number}>" for number, one in enumerate(self.experiments)}
        names |= {one: f"<run {number}>" for number, one in enumerate(self.runs)}
        return _plain(told, names, more="next_page_token" in told)


def _plain(told: Json, names: Mapping[str, str], *, more: bool = False) -> Json:
    """Return an answer without what differs from server to server."""
    match told:
        case dict():
            plain = {name: _plain(one, names) for name, one in told.items() if name not in _UNCERTAIN}
            return plain | ({"more": True} if more else {})
        case list():
            listed = [_plain(one, names) for one in told]
            # Points and runs are in an order that is promised; tags and the like are not.
            return listed if _is_ordered(told) else sorted(listed, key=repr)
        case float() if math.isnan(told):
            # One of MLflow's calls answers what is no JSON.
            return "NaN"
        case float() if abs(told) == _LARGEST:
            return "Infinity" if told > 0 else "-Infinity"
        case str() if _MADE_UP.fullmatch(told):
            return "<a name>"
        case str():
            return _named(told, names)
        case _:
            return told


def _is_ordered(listed: Sequence[Json]) -> bool:
    """Say whether these are runs, or points of one metric."""
    members = [one for one in listed if isinstance(one, dict)]
    if members and "info" in members[0]:
        return True
    return all("timestamp" in one for one in members) and len({one.get("key") for one in members}) == 1


def _named(text: str, names: Mapping[str, str]) -> str:
    if text in names:
        return names[text]
    parts = text.split("/")
    return "/".join(names.get(part, part) for part in parts) if text.startswith("mlflow-artifacts:") else text


def experiment(number: int) -> Json:
    """Return what stands for an experiment."""
    return {"what": EXPERIMENT, "number": number}


def run(number: int) -> Json:
    """Return what stands for a run."""
    return {"what": RUN, "number": number}


def last_look(server: Server) -> Iterator[Step]:
    """Yield calls that tell all that a history has left."""
    for number in range(len(server.experiments)):
        yield Step("GET", "experiments/get", {"experiment_id": experiment(number)})
    for number in range(len(server.runs)):
        yield Step("GET", "runs/get", {"run_id": run(number)})
        yield Step("GET", "metrics/get-history", {"run_id": run(number), "metric_key": "auc"})
