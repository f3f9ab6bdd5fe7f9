"""MLflow's calls about experiments."""

from collections.abc import Mapping, Sequence

import msgspec

from functions.tracking.requests import Route, acting
from loopwright.tracking import Experiment, Tracking


class _Tag(msgspec.Struct):
    key: str
    value: str = ""


class _Create(msgspec.Struct):
    name: str
    tags: list[_Tag] = []


class _Get(msgspec.Struct):
    experiment_id: str


class _GetByName(msgspec.Struct):
    experiment_name: str


def routes(tracking: Tracking) -> Sequence[Route]:
    """Return the calls."""

    def create(asked: _Create) -> object:
        tags = {tag.key: tag.value for tag in asked.tags}
        return {"experiment_id": tracking.create_experiment(asked.name, tags=tags).id}

    def get(asked: _Get) -> object:
        return {"experiment": described(tracking.experiment(asked.experiment_id))}

    def get_by_name(asked: _GetByName) -> object:
        return {"experiment": described(tracking.experiment_by_name(asked.experiment_name))}

    area = "2.0/mlflow/experiments"
    return [
        Route("POST", f"{area}/create", acting(_Create, create)),
        Route("GET", f"{area}/get", acting(_Get, get)),
        Route("GET", f"{area}/get-by-name", acting(_GetByName, get_by_name)),
    ]


def described(experiment: Experiment) -> Mapping[str, object]:
    """Return an experiment in MLflow's words."""
    return {
        "experiment_id": experiment.id,
        "name": experiment.name,
        "artifact_location": f"mlflow-artifacts:/{experiment.id}",
        "lifecycle_stage": "active" if experiment.deleted is None else "deleted",
        "creation_time": round(experiment.created * 1e3),
        "last_update_time": round(experiment.updated * 1e3),
        "tags": [{"key": key, "value": value} for key, value in experiment.tags.items()],
    }
