"""MLflow's calls about runs: their making, state, deletion and restoration."""

from collections.abc import Mapping, Sequence
from typing import Final, get_args

import msgspec

from functions.tracking.errors import MlflowError
from functions.tracking.experiments import unique
from functions.tracking.requests import Route, acting, missing
from functions.tracking.shapes import Entry, Int64, Text, run_info, run_shape
from loopwright.errors import InvalidInputError
from loopwright.tracking import Run, RunStatus, Tracking
from loopwright.tracking.values import RUN_NAME_TAG

_STATES: Final[Mapping[str | int, RunStatus]] = {
    name: status for number, status in enumerate(get_args(RunStatus), start=1) for name in (status, number, str(number))
}
"""The states by their names and by the numbers that protobuf has for them."""


class OfRun(msgspec.Struct):
    """A request about a run, which old clients call by another name."""

    run_id: str = ""
    run_uuid: str = ""

    @property
    def run(self) -> str:
        """The run's identity, or `MlflowError` if there is none."""
        if not self.run_id and not self.run_uuid:
            raise missing("run_id")
        return self.run_id or self.run_uuid


class _Create(msgspec.Struct):
    experiment_id: str = ""
    user_id: str = ""
    run_name: str = ""
    start_time: Int64 = 0
    tags: list[Entry] = []


class _Update(OfRun):
    status: str | int | None = None
    end_time: Int64 | None = None
    run_name: str = ""


class _Run(msgspec.Struct):
    run_id: Text


def routes(tracking: Tracking) -> Sequence[Route]:
    """Return the calls."""

    def create(asked: _Create) -> object:
        made = dict(run_shape(_created(tracking, asked)))
        del made["outputs"]
        return {"run": made}

    def get(asked: OfRun) -> object:
        (run,) = tracking.detailed([tracking.run(asked.run)])
        return {"run": run_shape(run)}

    def update(asked: _Update) -> object:
        ended = None if asked.end_time is None else asked.end_time / 1e3
        changed = tracking.amend_run(asked.run, status=_status(asked.status), name=asked.run_name, ended=ended)
        return {"run_info": run_info(changed)}

    def delete(asked: _Run) -> object:
        tracking.delete_run(asked.run_id)
        return {}

    def restore(asked: _Run) -> object:
        tracking.restore_run(asked.run_id)
        return {}

    area = "2.0/mlflow/runs"
    return [
        Route("POST", f"{area}/create", acting(_Create, create)),
        Route("GET", f"{area}/get", acting(OfRun, get)),
        Route("POST", f"{area}/update", acting(_Update, update)),
        Route("POST", f"{area}/delete", acting(_Run, delete)),
        Route("POST", f"{area}/restore", acting(_Run, restore)),
    ]


def _created(tracking: Tracking, asked: _Create) -> Run:
    if not asked.experiment_id:
        raise MlflowError(
            "BAD_REQUEST", "a run needs an experiment: name it by `experiment_id`, the default one is '0'"
        )
    tags = unique(asked.tags, MlflowError("BAD_REQUEST", "two of the run's tags have the same key"))
    told = tags.get(RUN_NAME_TAG, "")
    if RUN_NAME_TAG in tags and not told:
        raise MlflowError("BAD_REQUEST", f"the run's tag {RUN_NAME_TAG} is empty: leave it out")
    if asked.run_name and told and asked.run_name != told:
        raise InvalidInputError(
            f"the run is named {asked.run_name!r}, and {told!r} by its tag {RUN_NAME_TAG}: choose one"
        )
    return tracking.create_run(
        asked.experiment_id,
        name=asked.run_name or told,
        tags=tags,
        started=asked.start_time / 1e3,
        user=asked.user_id,
    )


def _status(told: str | int | None) -> RunStatus | None:
    if told is None:
        return None
    if told not in _STATES:
        raise InvalidInputError(f"{told} is no state of a run: use {', '.join(get_args(RunStatus))}")
    return _STATES[told]
