"""MLflow's calls on our tracking function, in this process."""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.airport.caller import Answered, Caller

Told = Any
"""What JSON may hold: a test looks into it."""


class RefusedError(Exception):
    """What MLflow's clients are refused with."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass
class Api:
    """Calls as MLflow's clients make them; the prefix and the version of the protocol need not be told."""

    caller: Caller

    def post(self, path: str, **body: Told) -> Told:
        """Return the answer, or raise `RefusedError`."""
        return self._told(self.caller.post(_whole(path), body))

    def get(self, path: str, **asked: Told) -> Told:
        """Return the answer, or raise `RefusedError`."""
        return self._told(self.caller.get(f"{_whole(path)}?{urlencode(asked, doseq=True)}"))

    def call(self, method: str, path: str, **told: Told) -> Told:
        """Return the answer to a call by any method, or raise `RefusedError`."""
        if method == "GET":
            return self.get(path, **told)
        return self._told(self.caller.send(method, _whole(path), json.dumps(told).encode()))

    def experiment(self, name: str = "delays", **more: Told) -> str:
        """Make an experiment."""
        return str(self.post("experiments/create", name=name, **more)["experiment_id"])

    def run(self, experiment_id: str, **more: Told) -> str:
        """Make a run."""
        return str(self.post("runs/create", experiment_id=experiment_id, **more)["run"]["info"]["run_id"])

    def look(self, run_id: str) -> Told:
        """Return a run."""
        return self.get("runs/get", run_id=run_id)["run"]

    def refusal(self, method: str, path: str, **told: Told) -> tuple[int, str]:
        """Return the status and the code with which a call is refused."""
        with pytest.raises(RefusedError) as caught:
            self.call(method, path, **told)
        return caught.value.status, caught.value.code

    def _told(self, answer: Answered) -> Told:
        if answer.status >= 400:
            raise RefusedError(answer.status, answer.body["error_code"], answer.body["message"])
        return answer.body


def _whole(path: str) -> str:
    return path if path.startswith("/") else f"/api/2.0/mlflow/{path}"
