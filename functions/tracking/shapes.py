"""Experiments, runs and points in MLflow's words.

As protobuf has it, empty lists are left out, moments are whole milliseconds, and numbers that JSON has not are texts.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from loopwright.tracking import DatasetInput, Experiment, Metric, Run
from loopwright.tracking.locations import experiment_location

CONTEXT_TAG: Final = "mlflow.data.context"
"""What a data set is read for is a tag of its input."""

DIGEST_LENGTH: Final = 36
"""What MLflow takes of a digest."""


Text = Annotated[str, msgspec.Meta(min_length=1)]
"""A text that a request must have: an empty one is none for MLflow."""


Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A whole number as protobuf has it."""


class Entry(msgspec.Struct):
    """A tag or param of a request."""

    key: str = ""
    value: str = ""


def milliseconds(moment: float) -> int:
    """Return a moment as MLflow has it."""
    return round(moment * 1e3)


def number(value: float) -> float | str:
    """Return a number as protobuf's JSON has it."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def entries(texts: Mapping[str, str]) -> list[Mapping[str, str]]:
    """Return tags or params."""
    return [{"key": key, "value": value} for key, value in texts.items()]


def present(**lists: Sequence[object]) -> dict[str, object]:
    """Return those that are not empty."""
    return {name: values for name, values in lists.items() if values}


def experiment_shape(experiment: Experiment) -> Mapping[str, object]:
    """Return an experiment."""
    return {
        "experiment_id": experiment.id,
        "name": experiment.name,
        "artifact_location": experiment_location(experiment),
        "lifecycle_stage": _stage(experiment.deleted),
        "last_update_time": milliseconds(experiment.updated),
        "creation_time": milliseconds(experiment.created),
        "workspace": "default",
        **present(tags=entries(experiment.tags)),
    }


def run_info(run: Run) -> Mapping[str, object]:
    """Return what a run is, without what it logged."""
    ended = {"end_time": milliseconds(run.ended)} if run.ended else {}
    return {
        "run_uuid": run.id,
        "experiment_id": run.experiment_id,
        "run_name": run.name,
        "user_id": run.user,
        "status": run.status,
        "start_time": milliseconds(run.started),
        **ended,
        "artifact_uri": run.artifact_uri,
        "lifecycle_stage": _stage(run.deleted),
        "run_id": run.id,
    }


def run_shape(run: Run, *, listed: bool = False) -> Mapping[str, object]:
    """Return a run whole; where it is `listed` with others, MLflow does not tell which models it read."""
    models = [] if listed else [{"model_id": one} for one in run.model_inputs]
    made = [{"model_id": model_id, "step": step} for model_id, step in run.model_outputs.items()]
    return {
        "info": run_info(run),
        "data": present(
            metrics=[point_shape(one) for one in run.metrics.values()],
            params=entries(run.params),
            tags=entries(run.tags),
        ),
        "inputs": present(dataset_inputs=[_input_shape(one) for one in run.inputs], model_inputs=models),
        "outputs": present(model_outputs=made),
    }


def point_shape(point: Metric) -> dict[str, object]:
    """Return a point of a metric."""
    return {
        "key": point.key,
        "value": number(point.value),
        "timestamp": milliseconds(point.timestamp),
        "step": point.step,
    }


def _input_shape(one: DatasetInput) -> Mapping[str, object]:
    context = {CONTEXT_TAG: one.context} if one.context else {}
    dataset: dict[str, object] = {
        "name": one.name,
        "digest": one.digest.removeprefix("sha256:")[:DIGEST_LENGTH],
        "source_type": one.source_type,
        "source": one.source,
    }
    long = {"schema": one.schema, "profile": one.profile}
    return {
        **present(tags=entries({**context, **one.tags})),
        "dataset": dataset | {name: text for name, text in long.items() if text},
    }


def _stage(deleted: float | None) -> str:
    return "active" if deleted is None else "deleted"
